// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "backup/v1/agent_service.pb.h"
#include "base/random.h"

namespace backup::server {

// One-time tokens with which agents enrol. The text is handed to a person once; the catalog keeps only the hash of the
// secret in it, so a copy of the catalog enrols nobody.

// Bytes of a token's secret.
inline constexpr size_t kEnrollmentSecretSize = 32;

// A new token for `agent_id`, with a secret from `random`.
v1::EnrollmentTokenContent MakeEnrollmentToken(Random& random, absl::string_view agent_id,
                                               absl::string_view controller_address, absl::string_view ca_certificate);

// One line of text, base64url (RFC 4648 section 5, no padding). A secret.
std::string EncodeEnrollmentToken(const v1::EnrollmentTokenContent& content);

// What the catalog keeps: SHA-256 of the secret, lower-case hex. Its entropy makes a slow hash needless, and looking
// the hash up leaks nothing of the secret by its timing.
std::string HashEnrollmentSecret(absl::string_view secret);

}  // namespace backup::server
