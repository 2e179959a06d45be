// SPDX-License-Identifier: Apache-2.0
#include "agent/command_drill.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "agent/command_error.h"
#include "agent/command_progress.h"
#include "agent/pipeline/job.h"
#include "agent/pipeline/manifest_file.h"
#include "base/errors.h"
#include "base/thread_priority.h"
#include "base/units.h"

namespace backup::agent {
namespace {

absl::Status CheckOptions(const DrillCommandOptions& options) {
  if (options.jobs < 1 || options.jobs > 64) {
    return UsageError("--jobs must be from 1 to 64");
  }
  if (std::any_of(options.assertions.begin(), options.assertions.end(),
                  [](const std::string& assertion) { return absl::StripAsciiWhitespace(assertion).empty(); })) {
    return UsageError("an assertion is empty", "--assert wants a query that gives one row with one true");
  }
  if (options.output != "table" && options.output != "json") {
    return UsageError("-o must be table or json");
  }
  return absl::OkStatus();
}

void PrintOutcome(const DrillOutcome& outcome, const std::string& format, std::ostream& out) {
  const int64_t row_count = TotalRows(outcome.manifest);
  if (format == "json") {
    out << nlohmann::json{{"backup", outcome.manifest.backup_id()},
                          {"tableCount", outcome.manifest.tables_size()},
                          {"rowCount", row_count},
                          {"assertionCount", outcome.assertion_count},
                          {"restoreDuration", absl::StrCat(absl::ToDoubleSeconds(outcome.restore_duration), "s")},
                          {"totalDuration", absl::StrCat(absl::ToDoubleSeconds(outcome.total_duration), "s")}}
               .dump(2)
        << "\n";
    return;
  }
  out << "proven: " << outcome.manifest.backup_id() << " came back; " << outcome.manifest.tables_size()
      << " tables with " << row_count << " rows have the contents that were dumped";
  if (outcome.assertion_count > 0) {
    out << ", and " << outcome.assertion_count
        << (outcome.assertion_count == 1 ? " assertion holds" : " assertions hold");
  }
  out << "\nrestored in " << backup::FormatDuration(absl::Ceil(outcome.restore_duration, absl::Seconds(1)))
      << "; with reading back and comparing "
      << backup::FormatDuration(absl::Ceil(outcome.total_duration, absl::Seconds(1))) << "\n";
}

}  // namespace

int RunDrillCommand(const DrillCommandOptions& options, Cancellation& cancellation, std::ostream& out,
                    std::ostream& err) {
  if (const absl::Status status = CheckOptions(options); !status.ok()) {
    return PrintCommandError(status, err);
  }
  const absl::StatusOr<std::string> artifact = FindArtifact(options.artifact_directory);
  if (!artifact.ok()) {
    return PrintCommandError(artifact.status(), err);
  }
  DrillRequest request;
  request.artifact_directory = *artifact;
  request.work_directory = options.work_directory;
  request.pg_bindir = options.pg_bindir;
  request.jobs = options.jobs;
  request.assertions = options.assertions;
  absl::StatusOr<DrillOutcome> outcome = absl::InternalError("");
  {
    CommandProgress progress(err, Clock::Real(), /*show_progress=*/true, options.show_progress);
    WorkInTheBackground();
    outcome = RunDrill(request, Clock::Real(), progress, cancellation);
  }
  if (!outcome.ok()) {
    return PrintCommandError(outcome.status(), err);
  }
  PrintOutcome(*outcome, options.output, out);
  out.flush();
  return 0;
}

}  // namespace backup::agent
