// SPDX-License-Identifier: Apache-2.0
#include "agent/rpc/enroll.h"

#include <chrono>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "agent/rpc/identity.h"
#include "agent/state_directory.h"
#include "backup/v1/agent_control_service.grpc.pb.h"
#include "base/errors.h"
#include "base/resource_name.h"
#include "base/rpc/grpc_status.h"
#include "base/rpc/tls.h"
#include "base/status_macros.h"
#include "base/x509.h"

namespace backup::agent {
namespace {

constexpr size_t kSecretBytes = 32;

absl::Status Malformed(absl::string_view why) {
  return MakeError(absl::StatusCode::kInvalidArgument, "ENROLLMENT_TOKEN_MALFORMED",
                   absl::StrCat("this is no enrolment token: ", why),
                   "copy the whole line that `backupctl agent enroll NAME` printed");
}

bool IsHostAndPort(absl::string_view address) {
  const size_t colon = address.rfind(':');
  int port = 0;
  return colon != absl::string_view::npos && colon > 0 && absl::SimpleAtoi(address.substr(colon + 1), &port) &&
         port >= 1 && port <= 65535 && address.find_first_of(" /\r\n\t") == absl::string_view::npos;
}

// The certificate must be for our key and our name; the controller is not trusted to have kept them apart.
absl::Status CheckCertificate(const v1::EnrollResponse& response, absl::string_view agent_id) {
  ASSIGN_OR_RETURN(const std::string id, AgentIdOfCertificate(response.certificate()));
  if (id != std::string(agent_id)) {
    return MakeError(absl::StatusCode::kInternal, "IDENTITY_INVALID",
                     absl::StrCat("the controller certified agent \"", id, "\" instead of \"", agent_id, "\""));
  }
  return ParseCertificate(response.ca_certificates()).status();
}

// When there is an identity: fine if it is the one that the token would give. A controller that moved is followed.
absl::StatusOr<EnrollOutcome> KeepIdentity(Identity identity, const v1::EnrollmentTokenContent& token,
                                           const std::string& directory) {
  if (identity.agent_id != token.agent_id() ||
      identity.tls.ca_certificates.find(std::string(absl::StripAsciiWhitespace(token.ca_certificate()))) ==
          std::string::npos) {
    return MakeError(
        absl::StatusCode::kFailedPrecondition, "ALREADY_ENROLLED",
        absl::StrCat("this agent is enrolled already, as \"", identity.agent_id, "\" with the controller at ",
                     identity.controller_address),
        "to change that, stop the agent, remove the directory identity under its state directory, and enrol");
  }
  if (identity.controller_address != token.controller_address()) {
    identity.controller_address = token.controller_address();
    RETURN_IF_ERROR(SaveIdentity(directory, identity));
  }
  return EnrollOutcome{identity.agent_id, identity.controller_address, true};
}

}  // namespace

absl::StatusOr<v1::EnrollmentTokenContent> ParseEnrollmentToken(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  std::string bytes;
  if (text.empty()) {
    return Malformed("it is empty");
  }
  if (text.size() > kMaxTokenBytes || !absl::WebSafeBase64Unescape(text, &bytes)) {
    return Malformed("it is not base64url");
  }
  v1::EnrollmentTokenContent token;
  if (!token.ParseFromString(bytes) || token.secret().size() != kSecretBytes || !IsValidId(token.agent_id()) ||
      !IsHostAndPort(token.controller_address()) || !ParseCertificate(token.ca_certificate()).ok()) {
    return Malformed("it was cut or changed");
  }
  return token;
}

absl::StatusOr<EnrollOutcome> EnrollAgent(absl::string_view token_text, const std::string& directory,
                                          absl::Duration timeout) {
  ASSIGN_OR_RETURN(const v1::EnrollmentTokenContent token, ParseEnrollmentToken(token_text));
  RETURN_IF_ERROR(MakePrivateDirectory(directory));
  const absl::StatusOr<Identity> existing = LoadIdentity(directory);
  if (existing.ok()) {
    return KeepIdentity(*existing, token, directory);
  }
  if (ErrorReason(existing.status()) != "NOT_ENROLLED") {
    return existing.status();
  }

  Identity identity;
  identity.agent_id = token.agent_id();
  identity.controller_address = token.controller_address();
  ASSIGN_OR_RETURN(identity.tls.private_key, GeneratePrivateKey());
  v1::EnrollRequest request;
  request.set_secret(token.secret());
  ASSIGN_OR_RETURN(*request.mutable_csr(), CreateCsr(identity.tls.private_key));

  const auto stub = v1::AgentControlService::NewStub(
      CreateTlsChannel(token.controller_address(), TlsIdentity{token.ca_certificate(), "", ""}));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + absl::ToChronoMicroseconds(timeout));
  v1::EnrollResponse response;
  if (const absl::Status status = FromGrpcStatus(stub->Enroll(&context, request, &response)); !status.ok()) {
    return Annotate(status,
                    absl::StrCat("the controller at ", token.controller_address(), " did not enrol this agent"));
  }
  RETURN_IF_ERROR(CheckCertificate(response, token.agent_id()));
  identity.tls.certificate = response.certificate();
  identity.tls.ca_certificates = response.ca_certificates();
  RETURN_IF_ERROR(SaveIdentity(directory, identity));
  return EnrollOutcome{identity.agent_id, identity.controller_address, false};
}

}  // namespace backup::agent
