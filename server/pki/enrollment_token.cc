// SPDX-License-Identifier: Apache-2.0
#include "server/pki/enrollment_token.h"

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "base/errors.h"
#include "base/resource_name.h"
#include "base/x509.h"

namespace backup::server {

v1::EnrollmentTokenContent MakeEnrollmentToken(Random& random, absl::string_view agent_id,
                                               absl::string_view controller_address, absl::string_view ca_certificate) {
  v1::EnrollmentTokenContent content;
  content.set_secret(RandomBytes(random, kEnrollmentSecretSize));
  content.set_controller_address(std::string(controller_address));
  content.set_ca_certificate(std::string(ca_certificate));
  content.set_agent_id(std::string(agent_id));
  return content;
}

std::string EncodeEnrollmentToken(const v1::EnrollmentTokenContent& content) {
  return absl::WebSafeBase64Escape(content.SerializeAsString());
}

absl::StatusOr<v1::EnrollmentTokenContent> ParseEnrollmentToken(absl::string_view text) {
  std::string bytes;
  v1::EnrollmentTokenContent content;
  if (!absl::WebSafeBase64Unescape(absl::StripAsciiWhitespace(text), &bytes) || !content.ParseFromString(bytes) ||
      content.secret().size() != kEnrollmentSecretSize || content.controller_address().empty() ||
      content.ca_certificate().empty() || !IsValidId(content.agent_id())) {
    return MakeError(absl::StatusCode::kInvalidArgument, "ENROLLMENT_TOKEN_MALFORMED",
                     "this is not an enrolment token, or not a whole one",
                     "copy the whole line that backupctl agent enroll printed");
  }
  return content;
}

std::string HashEnrollmentSecret(absl::string_view secret) { return Sha256Hex(secret); }

}  // namespace backup::server
