// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "backup/v1/agent_service.pb.h"

namespace backup::agent {

// Longer than any text of a token.
inline constexpr size_t kMaxTokenBytes = 16 << 10;

// What the text of an enrolment token says: one line, base64url. INVALID_ARGUMENT ENROLLMENT_TOKEN_MALFORMED when it
// cannot be a token; its text is a secret and in no message.
absl::StatusOr<v1::EnrollmentTokenContent> ParseEnrollmentToken(absl::string_view text);

struct EnrollOutcome {
  std::string agent_id;
  std::string controller_address;
  bool was_enrolled = false;  // By the same authority under the same name before; the token was not used.
};

// Makes a key, has the controller certify it in exchange for the one-time token, and writes the identity to
// `directory`. The key never leaves this host. An agent that is enrolled already under the same name and authority
// keeps its certificate, and takes over the controller's address if that changed. FAILED_PRECONDITION ALREADY_ENROLLED
// when there is an identity under another name or of another authority; errors of Enroll and of the files otherwise.
absl::StatusOr<EnrollOutcome> EnrollAgent(absl::string_view token, const std::string& directory,
                                          absl::Duration timeout);

}  // namespace backup::agent
