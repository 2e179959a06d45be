// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "backup/v1/error.pb.h"

namespace backup {

// Names and values that go with a reason.
using ErrorMetadata = std::vector<std::pair<std::string, std::string>>;

// The one way to make an error: a code, a reason that a program can branch on, what and why for people (lower case, no
// final stop), and the next thing to do. `hint` may be empty. Nothing secret may go in.
absl::Status MakeError(absl::StatusCode code, absl::string_view reason, absl::string_view message,
                       absl::string_view hint = "", const ErrorMetadata& metadata = {});

// The ErrorInfos attached to `status`, the first raised first; empty when it has none.
std::vector<v1::ErrorInfo> GetErrorInfos(const absl::Status& status);
// Replaces them.
void SetErrorInfos(absl::Status& status, absl::Span<const v1::ErrorInfo> infos);

// Reason of the first ErrorInfo, or "" when there is none.
std::string ErrorReason(const absl::Status& status);
// Hint of the first ErrorInfo that has one, or "".
std::string ErrorHint(const absl::Status& status);

// The same error with `context` and ": " before its message; code and details stay. OK stays OK.
absl::Status Annotate(const absl::Status& status, absl::string_view context);

// Several errors as one: the code of the first, the messages in lines, the details of all. OK when none is an error.
absl::Status JoinErrors(absl::Span<const absl::Status> errors);

// Named constructors, grouped by noun. Each says which code and reason it gives.

// INVALID_ARGUMENT INVALID_FIELD; metadata "field" = `field`, e.g. "spec.schedule.cron".
absl::Status InvalidField(absl::string_view field, absl::string_view why, absl::string_view hint = "");
// NOT_FOUND {POLICY,RUN,BACKUP,AGENT,DATABASE}_NOT_FOUND.
absl::Status PolicyNotFound(absl::string_view name);
absl::Status RunNotFound(absl::string_view name);
absl::Status BackupNotFound(absl::string_view name);
absl::Status AgentNotFound(absl::string_view name);
absl::Status DatabaseNotFound(absl::string_view name);
// ALREADY_EXISTS POLICY_ALREADY_EXISTS.
absl::Status PolicyAlreadyExists(absl::string_view name);
// ABORTED ETAG_MISMATCH.
absl::Status EtagMismatch(absl::string_view name);
// FAILED_PRECONDITION RUN_ALREADY_ENDED; metadata "state".
absl::Status RunAlreadyEnded(absl::string_view name, absl::string_view state);
// FAILED_PRECONDITION STALE_EPOCH.
absl::Status StaleEpoch(absl::string_view run, int64_t epoch, int64_t current_epoch);
// FAILED_PRECONDITION RUN_HELD_BY_OTHER_ATTEMPT.
absl::Status RunHeldByOtherAttempt(absl::string_view run);
// UNAVAILABLE CATALOG_UNAVAILABLE; `why` must hold no password.
absl::Status CatalogUnavailable(absl::string_view why);
// UNAUTHENTICATED ENROLLMENT_TOKEN_INVALID.
absl::Status EnrollmentTokenInvalid();
// UNAUTHENTICATED CLIENT_CERTIFICATE_REQUIRED.
absl::Status ClientCertificateRequired();
// PERMISSION_DENIED NOT_ALLOWED.
absl::Status NotAllowed(absl::string_view who, absl::string_view what);
// INTERNAL OUTPUT_FAILED: what a command prints did not reach standard output.
absl::Status OutputFailed();

}  // namespace backup
