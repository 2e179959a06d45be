// SPDX-License-Identifier: Apache-2.0
#include "agent/command_restore.h"

#include <cstdlib>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "agent/command_error.h"
#include "agent/command_progress.h"
#include "agent/command_summary.h"
#include "agent/pipeline/job.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "base/units.h"
#include "nlohmann/json.hpp"

namespace backup::agent {
namespace {

constexpr int kObstaclesExitCode = 6;

absl::StatusOr<RestoreRequest> MakeRequest(const RestoreCommandOptions& options) {
  RestoreRequest request;
  request.artifact_directory = options.artifact_directory;
  request.server = {options.url, options.password_file};
  if (request.server.url.empty()) {
    const char* url = std::getenv("DATABASE_URL");
    if (url == nullptr || *url == '\0') {
      return UsageError("no server is named", "give --url with a database of it, or set DATABASE_URL");
    }
    request.server.url = url;
  }
  if (options.create_database.empty() == options.into_database.empty()) {
    return UsageError("it is not said where to restore to",
                      "give --create-database NAME, --into NAME of an empty one, or --into NAME --into-schema NEW");
  }
  if (!options.into_schema.empty() && options.into_database.empty()) {
    return UsageError("--into-schema needs the database in which the schema is made", "give --into NAME");
  }
  if (!options.into_schema.empty() && options.create_roles) {
    return UsageError(
        "--create-roles has no meaning with --into-schema: what is restored belongs to the schema's owner");
  }
  if (options.jobs < 1 || options.jobs > 64) {
    return UsageError("--jobs must be from 1 to 64", "");
  }
  if (options.output != "table" && options.output != "json") {
    return UsageError("-o must be table or json", "");
  }
  request.create_database = options.create_database;
  request.into_database = options.into_database;
  request.into_schema = options.into_schema;
  request.tables = options.tables;
  request.schemas = options.schemas;
  request.jobs = options.jobs;
  request.create_roles = options.create_roles;
  request.ignore_tablespaces = options.ignore_tablespaces;
  request.prove = options.prove;
  return request;
}

nlohmann::json Describe(const RestorePlan& plan) {
  return {{"backup", plan.manifest.backup_id()},
          {"tableCount", plan.table_count},
          {"rowCount", plan.row_count},
          {"plainBytes", plan.plain_bytes},
          {"obstacles", plan.obstacles}};
}

void Print(const RestorePlan& plan, std::ostream& out) {
  out << "would restore " << plan.manifest.backup_id() << ": " << plan.table_count << " of "
      << plan.manifest.tables_size() << " tables, " << plan.row_count << " rows, " << FormatSize(plan.plain_bytes)
      << " of text\n";
  if (plan.obstacles.empty()) {
    out << "in the way: nothing that can be seen\n";
  }
  for (const std::string& obstacle : plan.obstacles) {
    out << "in the way: " << CleanText(obstacle, 500) << "\n";
  }
}

int Plan(const RestoreRequest& request, const RestoreCommandOptions& options, Cancellation& cancellation,
         std::ostream& out, std::ostream& err) {
  absl::StatusOr<RestorePlan> plan = absl::InternalError("");
  {
    CommandProgress progress(err, Clock::Real(), /*show_progress=*/true, options.show_progress);
    plan = PlanRestore(request, Clock::Real(), progress, cancellation);
  }
  if (!plan.ok()) {
    return PrintCommandError(plan.status(), err);
  }
  if (options.output == "json") {
    out << Describe(*plan).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
  } else {
    Print(*plan, out);
  }
  out.flush();
  return plan->obstacles.empty() ? 0 : kObstaclesExitCode;
}

}  // namespace

int RunRestoreCommand(const RestoreCommandOptions& options, Cancellation& cancellation, std::ostream& out,
                      std::ostream& err) {
  absl::StatusOr<RestoreRequest> request = MakeRequest(options);
  if (!request.ok()) {
    return PrintCommandError(request.status(), err);
  }
  absl::StatusOr<std::string> artifact = FindArtifact(options.artifact_directory);
  if (!artifact.ok()) {
    return PrintCommandError(artifact.status(), err);
  }
  request->artifact_directory = *std::move(artifact);
  if (options.plan) {
    return Plan(*request, options, cancellation, out, err);
  }
  absl::StatusOr<RestoreOutcome> outcome = absl::InternalError("");
  {
    CommandProgress progress(err, Clock::Real(), /*show_progress=*/true, options.show_progress);
    outcome = RunRestore(*request, Clock::Real(), progress, cancellation);
  }
  if (!outcome.ok()) {
    return PrintCommandError(outcome.status(), err);
  }
  if (options.output == "json") {
    out << nlohmann::json{{"database", outcome->database},
                          {"schema", outcome->schema},
                          {"backup", outcome->manifest.backup_id()},
                          {"tableCount", outcome->table_count},
                          {"rowCount", outcome->row_count},
                          {"leftOut", outcome->left_out},
                          {"contentsCompared", outcome->contents_compared},
                          {"loadDuration", absl::StrCat(absl::ToDoubleSeconds(outcome->load_duration), "s")}}
               .dump(2, ' ', false, nlohmann::json::error_handler_t::replace)
        << "\n";
  } else {
    out << "restored " << outcome->manifest.backup_id() << (outcome->schema.empty() ? " as" : " beside what is in")
        << " database \"" << CleanText(outcome->database, 200) << "\""
        << (outcome->schema.empty() ? "" : absl::StrCat(" as schema \"", CleanText(outcome->schema, 200), "\"")) << ": "
        << outcome->table_count << " of " << outcome->manifest.tables_size() << " tables, " << outcome->row_count
        << " rows, " << (outcome->contents_compared ? "contents compared" : "rows counted") << ", in "
        << backup::FormatDuration(absl::Ceil(outcome->load_duration, absl::Seconds(1))) << "\n";
    for (const std::string& statement : outcome->left_out) {
      out << "left out: " << CleanText(statement, 300) << "\n";
    }
  }
  out.flush();
  return 0;
}

}  // namespace backup::agent
