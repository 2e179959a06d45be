// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/job_failure.h"

#include "absl/strings/str_format.h"
#include "base/errors.h"

namespace backup::agent {
namespace {

constexpr int kMaxStderrLines = 40;

// Key of the line `number` in an error's metadata.
std::string StderrKey(int number) { return absl::StrFormat("stderr%02d", number); }

absl::StatusCode CodeOf(v1::FailureCause cause) {
  switch (cause) {
    case v1::DISK_FULL:
      return absl::StatusCode::kResourceExhausted;
    case v1::AUTH:
      return absl::StatusCode::kUnauthenticated;
    case v1::PERMISSION:
      return absl::StatusCode::kPermissionDenied;
    case v1::LOCK_TIMEOUT:
    case v1::STALLED:
    case v1::TIMEOUT:
      return absl::StatusCode::kDeadlineExceeded;
    case v1::INCOMPLETE:
    case v1::CORRUPT:
    case v1::ASSERTION_FAILED:
      return absl::StatusCode::kDataLoss;
    case v1::NETWORK:
      return absl::StatusCode::kUnavailable;
    case v1::AGENT_LOST:
      return absl::StatusCode::kAborted;
    case v1::CANCELLED_BY_USER:
      return absl::StatusCode::kCancelled;
    case v1::VERSION_MISMATCH:
    case v1::REPOSITORY_UNAVAILABLE:
    case v1::REPOSITORY_BUSY:
    case v1::WRONG_DATABASE:
    case v1::DRILL_REFUSED:
    case v1::RESTORE_REFUSED:
      return absl::StatusCode::kFailedPrecondition;
    default:
      return absl::StatusCode::kInternal;
  }
}

}  // namespace

absl::Status JobError(v1::FailureCause cause, absl::string_view message, absl::string_view hint,
                      const std::vector<std::string>& stderr_lines) {
  ErrorMetadata metadata;
  for (int i = 0; i < kMaxStderrLines && i < static_cast<int>(stderr_lines.size()); ++i) {
    metadata.emplace_back(StderrKey(i), stderr_lines[i]);
  }
  return MakeError(CodeOf(cause), v1::FailureCause_Name(cause), message, hint, metadata);
}

absl::Status WithHint(const absl::Status& status, absl::string_view hint) {
  std::vector<v1::ErrorInfo> infos = GetErrorInfos(status);
  if (infos.empty()) {
    return status;
  }
  (*infos.front().mutable_metadata())["hint"] = std::string(hint);
  absl::Status changed = status;
  SetErrorInfos(changed, infos);
  return changed;
}

v1::Failure FailureFromStatus(const absl::Status& status) {
  v1::Failure failure;
  v1::FailureCause cause = v1::INTERNAL;
  if (!v1::FailureCause_Parse(ErrorReason(status), &cause) || cause == v1::FAILURE_CAUSE_UNSPECIFIED) {
    cause = v1::INTERNAL;
  }
  failure.set_cause(cause);
  failure.set_message(std::string(status.message()));
  failure.set_hint(ErrorHint(status));
  const std::vector<v1::ErrorInfo> infos = GetErrorInfos(status);
  for (int i = 0; i < kMaxStderrLines && !infos.empty(); ++i) {
    auto line = infos.front().metadata().find(StderrKey(i));
    if (line == infos.front().metadata().end()) {
      break;
    }
    failure.add_stderr_lines(line->second);
  }
  return failure;
}

}  // namespace backup::agent
