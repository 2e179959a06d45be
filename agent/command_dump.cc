// SPDX-License-Identifier: Apache-2.0
#include "agent/command_dump.h"

#include <unistd.h>

#include <cstdlib>
#include <ostream>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "agent/command_error.h"
#include "agent/command_progress.h"
#include "agent/command_summary.h"
#include "agent/pipeline/conninfo.h"
#include "agent/pipeline/job.h"
#include "agent/pipeline/manifest_file.h"
#include "agent/pipeline/repository.h"
#include "base/errors.h"
#include "base/random.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "base/thread_priority.h"
#include "base/units.h"

namespace backup::agent {
namespace {

constexpr int64_t kLeastRate = 64 << 10;

// The agent's id in artifacts made without a controller.
constexpr char kLocalAgent[] = "local";

struct CodecWord {
  absl::string_view word;
  v1::Codec codec;
  int greatest_level;
};
constexpr CodecWord kCodecs[] = {{"gzip", v1::GZIP, 12}, {"zstd", v1::ZSTD, 19}, {"none", v1::NONE, 0}};

absl::Status ParseCompression(absl::string_view text, BackupRequest* request) {
  const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(text, absl::MaxSplits(':', 1));
  const bool has_level = absl::StrContains(text, ':');
  int& level = request->compression_level;
  for (const CodecWord& codec : kCodecs) {
    if (parts.first != codec.word) {
      continue;
    }
    request->dump.set_compression(codec.codec);
    if (!has_level || (absl::SimpleAtoi(parts.second, &level) && level >= 1 && level <= codec.greatest_level)) {
      return absl::OkStatus();
    }
  }
  return UsageError("--compression is not one that this agent knows",
                    "use gzip, gzip:1 (fast) to gzip:12 (small), zstd, zstd:1 to zstd:19, or none");
}

absl::StatusOr<BackupRequest> MakeRequest(const DumpCommandOptions& options) {
  BackupRequest request;
  request.target = {options.url, options.password_file};
  if (request.target.url.empty()) {
    const char* url = std::getenv("DATABASE_URL");
    if (url == nullptr || *url == '\0') {
      return UsageError("no database is named", "give --url, or set DATABASE_URL");
    }
    request.target.url = url;
  }
  if (options.jobs < 1 || options.jobs > 64) {
    return UsageError("--jobs must be from 1 to 64", "");
  }
  if (options.threads < 0 || options.threads > 64) {
    return UsageError("--threads must be from 0 to 64", "");
  }
  if (options.output != "table" && options.output != "json") {
    return UsageError("-o must be table or json", "");
  }
  if (!options.max_rate.empty()) {
    const absl::StatusOr<int64_t> rate = ParseSize(options.max_rate);
    if (!rate.ok() || *rate < kLeastRate) {
      return UsageError("--max-rate must be a size of at least 64KiB", "write --max-rate 50MiB");
    }
    request.dump.set_max_bytes_per_second(*rate);
  }
  RETURN_IF_ERROR(ParseCompression(options.compression, &request));
  ASSIGN_OR_RETURN(Conninfo conninfo, Conninfo::Parse(request.target));
  request.database = options.database_id.empty() ? conninfo.dbname() : options.database_id;
  request.repository = RepositoryOrDefault(options.repository);
  request.agent = kLocalAgent;
  request.backup_id = MakeBackupId(Clock::Real().Now(), NewId(Random::Real()));
  request.dump.set_jobs(options.jobs);
  request.dump.set_threads(options.threads);
  request.dump.set_globals(options.globals);
  request.pg_bindir = options.pg_bindir;
  return request;
}

absl::StatusOr<BackupOutcome> Dump(const BackupRequest& request, const DumpCommandOptions& options,
                                   Cancellation& cancellation, std::ostream& err) {
  ASSIGN_OR_RETURN(Repository repository,
                   Repository::Open(request.repository, request.agent, Repository::Access::kOneShot));
  // No other one-shot dump works here: what lies half made was left by one that was killed.
  ASSIGN_OR_RETURN(std::vector<std::string> removed, repository.RemoveLeftovers({}, absl::InfiniteFuture()));
  for (const std::string& path : removed) {
    err << "removed what a killed dump left: " << CleanText(path) << "\n";
  }
  CommandProgress progress(err, Clock::Real(), options.show_progress, isatty(STDERR_FILENO) == 1);
  WorkInTheBackground();  // The database's own work comes first.
  return RunBackup(request, Clock::Real(), progress, cancellation);
}

}  // namespace

int RunDumpCommand(const DumpCommandOptions& options, Cancellation& cancellation, std::ostream& out,
                   std::ostream& err) {
  absl::StatusOr<BackupRequest> request = MakeRequest(options);
  if (!request.ok()) {
    return PrintCommandError(request.status(), err);
  }
  absl::StatusOr<Conninfo> argument = Conninfo::Parse({options.url, ""});
  if (!options.url.empty() && argument.ok() && !argument->password().empty()) {
    err << "warning: a password in --url can be seen by every user of this host; use --password-file or DATABASE_URL\n";
  }
  absl::StatusOr<BackupOutcome> outcome = Dump(*request, options, cancellation, err);
  if (!outcome.ok()) {
    return PrintCommandError(outcome.status(), err);
  }
  if (options.output == "json") {
    out << FormatManifest(outcome->manifest);
  } else {
    PrintArtifactSummary(outcome->manifest, outcome->path, outcome->verify_duration, out);
  }
  out.flush();
  return 0;
}

}  // namespace backup::agent
