// SPDX-License-Identifier: Apache-2.0
#include "server/pki/enrollment_token.h"

#include "absl/strings/escaping.h"
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

std::string HashEnrollmentSecret(absl::string_view secret) { return Sha256Hex(secret); }

}  // namespace backup::server
