// SPDX-License-Identifier: Apache-2.0
#include "agent/command_error.h"

#include <filesystem>
#include <ostream>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "agent/pipeline/job_failure.h"
#include "agent/pipeline/manifest_file.h"
#include "base/errors.h"
#include "base/resource_name.h"
#include "base/text.h"

namespace backup::agent {

int ExitCodeOf(const absl::Status& status) {
  if (status.ok()) {
    return 0;
  }
  const std::string reason = ErrorReason(status);
  if (reason == v1::FailureCause_Name(v1::CORRUPT) || reason == v1::FailureCause_Name(v1::ASSERTION_FAILED)) {
    return 8;
  }
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
      return 2;
    case absl::StatusCode::kNotFound:
      return 3;
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kPermissionDenied:
      return 4;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
      return 5;
    case absl::StatusCode::kFailedPrecondition:
      return 6;
    case absl::StatusCode::kCancelled:
      return 130;
    default:
      return 1;
  }
}

int PrintCommandError(const absl::Status& status, std::ostream& err) {
  err << "error: " << status.message() << "\n";
  if (const std::string reason = ErrorReason(status); !reason.empty()) {
    err << "reason: " << reason << "\n";
  }
  if (const std::string hint = ErrorHint(status); !hint.empty()) {
    err << "hint: " << hint << "\n";
  }
  const v1::Failure failure = FailureFromStatus(status);
  for (const std::string& line : failure.stderr_lines()) {
    err << "  | " << line << "\n";
  }
  return ExitCodeOf(status);
}

absl::StatusOr<std::string> FindArtifact(const std::string& path) {
  const auto not_found = [](absl::string_view why) {
    return MakeError(absl::StatusCode::kNotFound, "BACKUP_NOT_FOUND", why,
                     "see the paths with: backup-agent list --repository DIR -o name");
  };
  std::error_code error;
  const std::filesystem::path real = std::filesystem::canonical(path, error);
  if (error == std::errc::no_such_file_or_directory) {
    return not_found(absl::StrCat("there is no directory ", CleanText(path)));
  }
  if (error) {
    return path;  // Whoever opens it says why that cannot be.
  }
  const bool has_manifest = std::filesystem::exists(real / kManifestFile, error) || error;
  if (!IsValidBackupId(real.filename().string()) && !has_manifest) {
    return not_found(absl::StrCat(CleanText(path), " is not the directory of a backup"));
  }
  return real.string();
}

absl::Status UsageError(absl::string_view why, absl::string_view hint) {
  return MakeError(absl::StatusCode::kInvalidArgument, "USAGE", why, hint);
}

}  // namespace backup::agent
