// SPDX-License-Identifier: Apache-2.0
#include <signal.h>

#include <algorithm>
#include <chrono>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/child_process.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "base/units.h"

namespace backup {
namespace {

constexpr size_t kMaxStderrBytes = 2000;

std::string LastLines(const ChildProcess& child) {
  const std::string lines = absl::StrJoin(child.stderr_lines(), "\n");
  if (lines.empty()) return "";
  return absl::StrCat(": ", lines.substr(lines.size() - std::min(lines.size(), kMaxStderrBytes)));
}

}  // namespace

absl::StatusOr<std::string> RunAndCollect(const ChildOptions& options, absl::Duration timeout,
                                          size_t max_stdout_bytes) {
  ASSIGN_OR_RETURN(const std::unique_ptr<ChildProcess> child, ChildProcess::Start(options));
  const std::string& program = options.argv[0];
  const auto start = std::chrono::steady_clock::now();
  const auto left = [&] { return timeout - absl::FromChrono(std::chrono::steady_clock::now() - start); };
  const auto too_long = [&] {
    child->Kill(SIGKILL);
    child->Wait(absl::InfiniteDuration());
    return MakeError(absl::StatusCode::kDeadlineExceeded, "CHILD_TIMEOUT",
                     absl::StrCat(CleanText(program), " took longer than ", backup::FormatDuration(timeout),
                                  " and was killed", LastLines(*child)));
  };

  std::string output;
  char buffer[4096];
  while (child->stdout_fd() >= 0) {
    const absl::StatusOr<size_t> count = ReadSome(child->stdout_fd(), buffer, sizeof(buffer), left(), nullptr);
    if (absl::IsDeadlineExceeded(count.status())) return too_long();
    if (!count.ok()) return count.status();
    if (*count == 0) break;
    output.append(buffer, *count);
    if (output.size() > max_stdout_bytes) {
      return MakeError(absl::StatusCode::kInternal, "CHILD_FAILED",
                       absl::StrCat(CleanText(program), " wrote more than ", max_stdout_bytes, " bytes"));
    }
  }
  const std::optional<ExitStatus> status = child->Wait(left());
  if (!status.has_value()) return too_long();
  if (status->ok()) return output;
  return MakeError(absl::StatusCode::kInternal, "CHILD_FAILED",
                   absl::StrCat(CleanText(program), " ", status->ToString(), LastLines(*child)));
}

}  // namespace backup
