// SPDX-License-Identifier: Apache-2.0
#include "base/rpc/tls.h"

#include <grpc/grpc_security_constants.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/errors.h"
#include "base/file.h"
#include "base/resource_name.h"
#include "base/status_macros.h"

namespace backup {
namespace {

constexpr char kAgentPrefix[] = "spiffe://backupctl/agent/";
constexpr char kUserPrefix[] = "spiffe://backupctl/user/";
constexpr int kKeepaliveMs = 30'000;
constexpr int kKeepaliveTimeoutMs = 10'000;
constexpr int kMaxSendBytes = 1 << 20;
constexpr int kMaxReceiveBytes = 4 << 20;

}  // namespace

std::string AgentSpiffeId(absl::string_view agent_id) { return absl::StrCat(kAgentPrefix, agent_id); }

std::string UserSpiffeId(absl::string_view user_id) { return absl::StrCat(kUserPrefix, user_id); }

absl::StatusOr<TlsIdentity> LoadTlsIdentity(const std::string& ca_file, const std::string& certificate_file,
                                            const std::string& key_file) {
  TlsIdentity identity;
  ASSIGN_OR_RETURN(identity.ca_certificates, ReadFile(ca_file));
  ASSIGN_OR_RETURN(identity.certificate, ReadFile(certificate_file));
  ASSIGN_OR_RETURN(identity.private_key, ReadFile(key_file));
  return identity;
}

std::shared_ptr<grpc::ServerCredentials> ServerTlsCredentials(const TlsIdentity& identity) {
  grpc::SslServerCredentialsOptions options(GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY);
  options.pem_root_certs = identity.ca_certificates;
  options.pem_key_cert_pairs = {{identity.private_key, identity.certificate}};
  return grpc::SslServerCredentials(options);
}

std::shared_ptr<grpc::Channel> CreateTlsChannel(const std::string& address, const TlsIdentity& identity) {
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = identity.ca_certificates;
  options.pem_cert_chain = identity.certificate;
  options.pem_private_key = identity.private_key;
  grpc::ChannelArguments arguments;
  arguments.SetSslTargetNameOverride(kControllerServerName);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  arguments.SetMaxSendMessageSize(kMaxSendBytes);
  arguments.SetMaxReceiveMessageSize(kMaxReceiveBytes);
  return grpc::CreateCustomChannel(address, grpc::SslCredentials(options), arguments);
}

std::string Peer::ToString() const {
  switch (kind) {
    case Kind::kAgent:
      return MakeAgentName(id);
    case Kind::kUser:
      return MakeUserName(id);
    case Kind::kAnonymous:
      break;
  }
  return "anonymous";
}

Peer PeerFromSpiffeId(absl::string_view spiffe_id) {
  absl::string_view id = spiffe_id;
  if (absl::ConsumePrefix(&id, kAgentPrefix) && IsValidId(id)) return {Peer::Kind::kAgent, std::string(id)};
  id = spiffe_id;
  if (absl::ConsumePrefix(&id, kUserPrefix) && IsValidId(id)) return {Peer::Kind::kUser, std::string(id)};
  return {};
}

Peer PeerOf(const grpc::AuthContext* context) {
  if (context == nullptr || !context->IsPeerAuthenticated()) return {};
  const std::vector<grpc::string_ref> uris = context->FindPropertyValues(GRPC_PEER_URI_PROPERTY_NAME);
  if (uris.size() != 1) return {};
  return PeerFromSpiffeId(absl::string_view(uris[0].data(), uris[0].size()));
}

}  // namespace backup
