// SPDX-License-Identifier: Apache-2.0
#include "agent/rpc/identity.h"

#include <unistd.h>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "agent/config_files.h"
#include "base/errors.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "base/x509.h"

namespace backup::agent {
namespace {

constexpr char kEnrollHint[] =
    "make a token with `backupctl agent enroll NAME`, then run `backup-agent enroll --token-file FILE` on this host";

absl::Status Invalid(const absl::Status& why) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "IDENTITY_INVALID",
                   absl::StrCat("the agent's identity cannot be used: ", why.message()), kEnrollHint);
}

}  // namespace

absl::StatusOr<std::string> AgentIdOfCertificate(absl::string_view certificate) {
  ASSIGN_OR_RETURN(const CertificateInfo info, ParseCertificate(certificate));
  const Peer peer = info.uris.size() == 1 ? PeerFromSpiffeId(info.uris[0]) : Peer();
  if (peer.kind != Peer::Kind::kAgent) {
    return MakeError(absl::StatusCode::kInvalidArgument, "X509_INVALID", "the certificate is not an agent's");
  }
  return peer.id;
}

absl::StatusOr<Identity> LoadIdentity(const std::string& directory) {
  const std::string certificate_file = directory + "/agent.crt";
  const std::string key_file = directory + "/agent.key";
  if (access(certificate_file.c_str(), F_OK) != 0) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "NOT_ENROLLED",
                     absl::StrCat("this agent is not enrolled: there is no ", certificate_file), kEnrollHint);
  }
  Identity identity;
  absl::StatusOr<TlsIdentity> tls = LoadTlsIdentity(directory + "/ca.crt", certificate_file, key_file);
  if (!tls.ok()) {
    return Invalid(tls.status());
  }
  identity.tls = *std::move(tls);
  if (const absl::Status safe = CheckPasswordFile(key_file); !safe.ok()) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "IDENTITY_INVALID",
                     absl::StrCat("the agent's key ", key_file, " may be read or written by others"),
                     absl::StrCat("if nobody else has seen it, chmod 600 ", key_file, "; otherwise enrol anew"));
  }
  absl::StatusOr<std::string> id = AgentIdOfCertificate(identity.tls.certificate);
  if (!id.ok()) {
    return Invalid(Annotate(id.status(), certificate_file));
  }
  identity.agent_id = *std::move(id);
  const absl::StatusOr<std::string> address = ReadFile(directory + "/controller");
  if (!address.ok()) {
    return Invalid(address.status());
  }
  identity.controller_address = std::string(absl::StripAsciiWhitespace(*address));
  if (identity.controller_address.empty()) {
    return Invalid(absl::InvalidArgumentError(absl::StrCat(directory, "/controller is empty")));
  }
  return identity;
}

absl::Status SaveIdentity(const std::string& directory, const Identity& identity) {
  RETURN_IF_ERROR(WriteFileAtomically(directory + "/agent.key", identity.tls.private_key, 0600));
  RETURN_IF_ERROR(WriteFileAtomically(directory + "/ca.crt", identity.tls.ca_certificates, 0644));
  RETURN_IF_ERROR(WriteFileAtomically(directory + "/controller", identity.controller_address + "\n", 0644));
  return WriteFileAtomically(directory + "/agent.crt", identity.tls.certificate, 0644);
}

}  // namespace backup::agent
