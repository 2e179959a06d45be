// SPDX-License-Identifier: Apache-2.0
#include "ctl/exit_code.h"

#include <string>
#include <utility>

#include "base/errors.h"

namespace backup::ctl {
namespace {

// Reasons whose exit code is not that of their status code.
constexpr std::pair<const char*, ExitCode> kByReason[] = {
    {"CATALOG_UNAVAILABLE", ExitCode::kUnreachable},
    {"FILE_NOT_FOUND", ExitCode::kUsage},  // A file named on the command line.
    {"FILE_NOT_READABLE", ExitCode::kUsage},
    {"FILE_TOO_LARGE", ExitCode::kUsage},
    {"NO_CONTEXT", ExitCode::kUsage},
    {"NO_HOME", ExitCode::kUsage},
};

constexpr std::pair<absl::StatusCode, ExitCode> kByCode[] = {
    {absl::StatusCode::kOk, ExitCode::kOk},
    {absl::StatusCode::kInvalidArgument, ExitCode::kUsage},
    {absl::StatusCode::kOutOfRange, ExitCode::kUsage},
    {absl::StatusCode::kNotFound, ExitCode::kNotFound},
    {absl::StatusCode::kUnauthenticated, ExitCode::kNotAllowed},
    {absl::StatusCode::kPermissionDenied, ExitCode::kNotAllowed},
    {absl::StatusCode::kUnavailable, ExitCode::kUnreachable},
    {absl::StatusCode::kDeadlineExceeded, ExitCode::kUnreachable},
    {absl::StatusCode::kAlreadyExists, ExitCode::kConflict},
    {absl::StatusCode::kAborted, ExitCode::kConflict},
    {absl::StatusCode::kFailedPrecondition, ExitCode::kConflict},
    {absl::StatusCode::kDataLoss, ExitCode::kBadBackup},
    {absl::StatusCode::kCancelled, ExitCode::kInterrupted},
};

}  // namespace

ExitCode ExitCodeOf(const absl::Status& status) {
  const std::string reason = ErrorReason(status);
  for (const auto& [name, exit_code] : kByReason) {
    if (!status.ok() && reason == name) return exit_code;
  }
  for (const auto& [code, exit_code] : kByCode) {
    if (status.code() == code) return exit_code;
  }
  return ExitCode::kFailed;
}

}  // namespace backup::ctl
