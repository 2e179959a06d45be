// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "agent/pipeline/artifact_manifest.h"
#include "agent/pipeline/conninfo.h"
#include "agent/pipeline/database_properties.h"
#include "agent/pipeline/dump_statements.h"
#include "agent/pipeline/job.h"
#include "agent/pipeline/job_failure.h"
#include "agent/pipeline/load_database.h"
#include "agent/pipeline/manifest_file.h"
#include "agent/pipeline/pg_programs.h"
#include "agent/pipeline/progress_meter.h"
#include "agent/pipeline/restore_assertions.h"
#include "agent/pipeline/restore_failure.h"
#include "agent/pipeline/restore_globals.h"
#include "agent/pipeline/restore_target.h"
#include "agent/pipeline/scratch_cluster.h"
#include "agent/pipeline/stored_directory.h"
#include "agent/pipeline/stored_text.h"
#include "agent/pipeline/verify_file.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "base/units.h"

namespace backup::agent {
namespace {

constexpr char kDatabase[] = "drill";
constexpr absl::Duration kRoleTimeout = absl::Seconds(30);
// The data, its indexes, and the WAL that is kept meanwhile, of which nobody knows how much it will be: this many times
// the text of the dump.
constexpr int64_t kRoomFactor = 2;

class DrillJob {
 public:
  DrillJob(const DrillRequest& request, Clock& clock, JobObserver& observer, Cancellation& cancellation)
      : request_(request),
        clock_(clock),
        observer_(observer),
        cancellation_(cancellation),
        progress_(observer, clock) {}

  absl::StatusOr<DrillOutcome> Run() {
    const absl::Duration begin = clock_.Monotonic();
    progress_.SetPhase(v1::PREPARING);
    VerifyRequest verify;
    verify.artifact_directory = request_.artifact_directory;
    verify.manifest_sha256 = request_.manifest_sha256;
    verify.drop_page_cache = false;
    verify.stored_bytes_only = true;  // All of it is decoded when it is restored, and every table compared.
    ASSIGN_OR_RETURN(VerifyOutcome verified, VerifyArtifact(verify, clock_, observer_, cancellation_));
    outcome_.manifest = std::move(verified.manifest);
    ASSIGN_OR_RETURN(const StoredDirectory directory, StoredDirectory::Open(ArtifactPath(request_.artifact_directory)));
    ASSIGN_OR_RETURN(const std::optional<v1::DatabaseProperties> found,
                     LoadDatabaseProperties(directory, outcome_.manifest));
    const v1::DatabaseProperties properties = found.value_or(v1::DatabaseProperties());
    const v1::ArtifactFile& dump = *FindDumpFile(outcome_.manifest);
    RETURN_IF_ERROR(CheckRoom(dump));
    progress_.SetEstimate(dump.plain_bytes(), outcome_.manifest.tables_size());
    ASSIGN_OR_RETURN(const std::unique_ptr<ScratchCluster> cluster, StartCluster());
    ASSIGN_OR_RETURN(const Conninfo server, Conninfo::Parse(cluster->target()));
    progress_.SetPhase(v1::RESTORING);
    {
      ASSIGN_OR_RETURN(const std::unique_ptr<PgSession> session, ConnectForRestore(server, cancellation_));
      RETURN_IF_ERROR(CheckServerCanTake(*session, outcome_.manifest));
      if (FindGlobalsFile(outcome_.manifest) == nullptr) {
        // Nobody says what roles there were; this one owns most of what has no owner of its own.
        RETURN_IF_ERROR(session->Query("CREATE ROLE postgres", kRoleTimeout).status());
      }
      // Tablespaces would be directories of this host.
      RETURN_IF_ERROR(RestoreGlobals(request_.artifact_directory, outcome_.manifest, /*present_roles=*/std::nullopt,
                                     *session, cancellation_));
      RETURN_IF_ERROR(CreateDatabaseLike(*session, kDatabase, outcome_.manifest.database(), properties));
    }
    const Conninfo target = server.WithDatabase(kDatabase);
    RETURN_IF_ERROR(Load(target));
    ASSIGN_OR_RETURN(outcome_.assertion_count,
                     CheckAssertions(request_.assertions, server, target.dbname(), cancellation_));
    outcome_.total_duration = clock_.Monotonic() - begin;
    outcome_.end_time = clock_.Now();
    return std::move(outcome_);
  }

 private:
  absl::Status CheckRoom(const v1::ArtifactFile& dump) {
    std::error_code error;
    const std::filesystem::space_info space = std::filesystem::space(request_.work_directory, error);
    if (error == std::errc::no_such_file_or_directory) {
      return JobError(v1::DRILL_REFUSED,
                      absl::StrCat("there is no directory ", CleanText(request_.work_directory, 500)),
                      "make it, or name another: --work-dir, or drillDirectory in the agent's configuration");
    }
    const auto wanted = static_cast<uintmax_t>(kRoomFactor * dump.plain_bytes());
    if (!error && space.available < wanted) {
      return JobError(v1::DRILL_REFUSED,
                      absl::StrCat("there is no room for a drill: ", CleanText(request_.work_directory, 500), " has ",
                                   backup::FormatSize(static_cast<int64_t>(space.available)), ", and it may need ",
                                   backup::FormatSize(static_cast<int64_t>(wanted))),
                      "name a directory with more room: --work-dir, or drillDirectory in the agent's configuration");
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::unique_ptr<ScratchCluster>> StartCluster() {
    ScratchClusterOptions options;
    options.work_directory = request_.work_directory;
    PgProgramsOptions programs_wanted;
    programs_wanted.bindir = request_.pg_bindir;
    ASSIGN_OR_RETURN(
        const PgPrograms programs,
        FindPgPrograms(VersionFromNumber(outcome_.manifest.database().server_version_num()), programs_wanted));
    options.bindir = programs.pg_dump.substr(0, programs.pg_dump.rfind('/'));
    observer_.OnLog(absl::StrCat("making a server of PostgreSQL ", programs.version.ToString(), " in ",
                                 CleanText(request_.work_directory, 500)));
    return ScratchCluster::Start(options, cancellation_);
  }

  absl::Status Load(const Conninfo& target) {
    ASSIGN_OR_RETURN(const StoredText text, StoredText::Open(request_.artifact_directory, outcome_.manifest));
    LoadOptions options;
    options.jobs = request_.jobs;
    options.ignore_tablespaces = true;
    const absl::Duration begin = clock_.Monotonic();
    ASSIGN_OR_RETURN(const LoadedDatabase loaded,
                     LoadDatabase(outcome_.manifest, text, target, options, cancellation_, progress_));
    outcome_.restore_duration = clock_.Monotonic() - begin;
    observer_.OnLog(absl::StrCat("restored in ",
                                 backup::FormatDuration(absl::Ceil(outcome_.restore_duration, absl::Milliseconds(100))),
                                 "; comparing every table"));
    progress_.SetPhase(v1::COMPARING);
    progress_.Update(0, 0, 0, 0);
    return CompareTables(outcome_.manifest, loaded.copies, target, options, cancellation_, progress_);
  }

  const DrillRequest& request_;
  Clock& clock_;
  JobObserver& observer_;
  Cancellation& cancellation_;
  ProgressMeter progress_;
  DrillOutcome outcome_;
};

}  // namespace

absl::StatusOr<DrillOutcome> RunDrill(const DrillRequest& request, Clock& clock, JobObserver& observer,
                                      Cancellation& cancellation) {
  absl::StatusOr<DrillOutcome> outcome = DrillJob(request, clock, observer, cancellation).Run();
  if (!outcome.ok()) {
    return AsRestoreFailure(outcome.status());
  }
  return outcome;
}

}  // namespace backup::agent
