// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/pipeline/artifact_writer.h"
#include "agent/pipeline/backup_checks.h"
#include "agent/pipeline/conninfo.h"
#include "agent/pipeline/database_dump.h"
#include "agent/pipeline/database_probe.h"
#include "agent/pipeline/database_properties.h"
#include "agent/pipeline/dump_stream.h"
#include "agent/pipeline/gzi_index.h"
#include "agent/pipeline/job.h"
#include "agent/pipeline/job_failure.h"
#include "agent/pipeline/manifest_file.h"
#include "agent/pipeline/pg_programs.h"
#include "agent/pipeline/progress_meter.h"
#include "agent/pipeline/repository.h"
#include "agent/pipeline/restore_text.h"
#include "agent/pipeline/sha256_sums.h"
#include "agent/pipeline/snapshot_session.h"
#include "base/errors.h"
#include "base/proto_json.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "base/units.h"
#include "base/x509.h"

namespace backup::agent {
namespace {

constexpr size_t kMaxWarnings = 40;
constexpr int kMaxEncodingThreads = 4;
// Blocks of a stream beyond those that are being encoded: one that is filled, and some that wait for their turn.
constexpr size_t kBlocksAhead = 3;

// Zero fields of a policy mean its defaults.
v1::DumpSpec WithDefaults(v1::DumpSpec spec) {
  if (spec.compression() == v1::CODEC_UNSPECIFIED) {
    spec.set_compression(v1::GZIP);
  }
  if (!spec.has_globals()) {
    spec.set_globals(true);
  }
  const auto fill = [](const google::protobuf::Duration& given, absl::Duration otherwise) {
    return ToProto(ToAbsl(given) > absl::ZeroDuration() ? ToAbsl(given) : otherwise);
  };
  *spec.mutable_lock_timeout() = fill(spec.lock_timeout(), absl::Seconds(60));
  *spec.mutable_stall_timeout() = fill(spec.stall_timeout(), absl::Minutes(10));
  *spec.mutable_timeout() = fill(spec.timeout(), absl::Hours(6));
  return spec;
}

// One backup, phase by phase. Each step leaves what the next one needs in the members below.
class BackupJob {
 public:
  BackupJob(const BackupRequest& request, Clock& clock, JobObserver& observer, Cancellation& cancellation)
      : request_(request),
        spec_(WithDefaults(request.dump)),
        clock_(clock),
        observer_(observer),
        cancellation_(cancellation),
        progress_(observer, clock) {
    limits_.stall_timeout = ToAbsl(spec_.stall_timeout());
    limits_.deadline_monotonic = Clock::Real().Monotonic() + ToAbsl(spec_.timeout());
  }

  absl::StatusOr<BackupOutcome> Run() {
    *manifest_.mutable_start_time() = ToProto(clock_.Now());
    progress_.SetPhase(v1::PREPARING);
    ASSIGN_OR_RETURN(Conninfo conninfo, Conninfo::Parse(request_.target));
    RETURN_IF_ERROR(ReadRepositoryId(request_.repository).status());
    LockOptions locks;
    locks.lock_timeout = ToAbsl(spec_.lock_timeout());
    locks.deadline_monotonic = limits_.deadline_monotonic;
    ASSIGN_OR_RETURN(SnapshotSession session,
                     SnapshotSession::Open(conninfo, locks, /*with_sizes=*/spec_.jobs() > 1, &cancellation_));
    RETURN_IF_ERROR(Prepare(session));
    if (spec_.globals()) {
      RETURN_IF_ERROR(StoreGlobals(conninfo));
    }
    progress_.SetPhase(v1::DUMPING);
    RETURN_IF_ERROR(StoreDatabase(conninfo, session));
    session.Close();
    RETURN_IF_ERROR(CheckIdentityAfterwards(session));
    RETURN_IF_ERROR(StoreProperties(session));
    RETURN_IF_ERROR(WriteDescription());
    ASSIGN_OR_RETURN(BackupOutcome outcome, ReadBack());
    progress_.SetPhase(v1::PUBLISHING);
    RETURN_IF_ERROR(CheckNotCancelled());
    RETURN_IF_ERROR(writer_->Commit());
    observer_.OnLog(absl::StrCat("published ", CleanText(writer_->final_path(), 1000)));
    return outcome;
  }

 private:
  absl::Status CheckNotCancelled() {
    return cancellation_.cancelled()
               ? JobError(v1::CANCELLED_BY_USER, absl::StrCat("cancelled: ", cancellation_.reason()))
               : absl::OkStatus();
  }

  absl::Status Prepare(const SnapshotSession& session) {
    const DatabaseFacts& facts = session.facts();
    PgProgramsOptions options;
    options.bindir = request_.pg_bindir;
    ASSIGN_OR_RETURN(programs_, FindPgPrograms(VersionFromNumber(facts.identity.server_version_num()), options));
    observer_.OnLog(absl::StrCat("database \"", CleanText(facts.identity.name(), 200), "\" of server version ",
                                 CleanText(facts.identity.server_version(), 100), ", ",
                                 backup::FormatSize(facts.identity.size_bytes()), ", ", facts.table_count,
                                 " tables; pg_dump ", programs_.version.ToString(), " (", programs_.pg_dump, ")"));
    RETURN_IF_ERROR(CheckFreeSpace(request_.repository, facts.estimated_plain_bytes));
    ASSIGN_OR_RETURN(
        writer_, ArtifactWriter::Create(request_.repository, request_.agent, request_.database, request_.backup_id));
    progress_.SetEstimate(facts.estimated_plain_bytes, facts.table_count);
    manifest_.set_format_version(kManifestFormatVersion);
    manifest_.set_backup_id(request_.backup_id);
    manifest_.set_agent(request_.agent);
    *manifest_.mutable_database() = facts.identity;
    manifest_.set_run(request_.run);
    manifest_.set_attempt_id(request_.attempt_id);
    manifest_.set_epoch(request_.epoch);
    manifest_.set_policy(request_.policy);
    if (request_.slot_time.has_value()) {
      *manifest_.mutable_slot_time() = ToProto(*request_.slot_time);
    }
    *manifest_.mutable_snapshot_time() = ToProto(facts.server_time);
    manifest_.set_pg_dump_version(programs_.version.ToString());
    manifest_.set_agent_version(BACKUPCTL_VERSION);
    manifest_.mutable_extensions()->Add(facts.extensions.begin(), facts.extensions.end());
    return absl::OkStatus();
  }

  EncoderOptions Encoding() const {
    EncoderOptions options;
    options.codec = spec_.compression();
    options.level = request_.compression_level;
    const int all = spec_.threads() > 0 ? spec_.threads() : static_cast<int>(std::thread::hardware_concurrency());
    options.thread_count = std::clamp(all / std::max(spec_.jobs(), 1), 1, kMaxEncodingThreads);
    options.max_blocks = static_cast<size_t>(options.thread_count) + kBlocksAhead;
    return options;
  }

  // Takes up what was stored into the manifest.
  void Describe(const StoredDump& stored, const std::vector<std::string>& lines) {
    for (const std::vector<std::string>* warnings : {&lines, &stored.facts.warnings}) {
      for (const std::string& warning : *warnings) {
        Warn(warning);
      }
    }
    *manifest_.add_files() = stored.file;
  }

  absl::StatusOr<StoredDump> DumpGlobals(const Conninfo& conninfo) {
    EncoderOptions options;  // A small file: gzip by this thread, whatever the dump is stored with.
    options.codec = spec_.compression() == v1::NONE ? v1::NONE : v1::GZIP;
    ASSIGN_OR_RETURN(std::unique_ptr<DumpStore> store,
                     DumpStore::Create(*writer_, absl::StrCat("globals.sql", FileExtension(options.codec)),
                                       DumpScanner::Kind::kGlobals, options));
    // The database of the connection string is ignored by pg_dumpall unless it is given as the one to start from; and
    // it reads a name as a connection string when it looks like one.
    ASSIGN_OR_RETURN(std::unique_ptr<DumpProcess> process,
                     DumpProcess::Start(programs_.pg_dumpall,
                                        {"--globals-only", "--no-role-passwords",
                                         absl::StrCat("--database=", conninfo.ForDatabaseName())},
                                        "--dbname=", conninfo, limits_, cancellation_));
    RateLimit no_limit(0);
    ASSIGN_OR_RETURN(const std::vector<std::string> lines,
                     RunDumpStream(*process, *store, no_limit, cancellation_, nullptr));
    RETURN_IF_ERROR(store->Finish());
    StoredDump stored = store->TakeResult();
    Describe(stored, lines);
    return stored;
  }

  absl::Status StoreGlobals(const Conninfo& conninfo) {
    absl::StatusOr<StoredDump> stored = DumpGlobals(conninfo);
    if (!stored.ok()) {
      return ErrorReason(stored.status()) == v1::FailureCause_Name(v1::PERMISSION)
                 ? WithHint(stored.status(), "let the backup role read the roles, or set dump.globals to false")
                 : stored.status();
    }
    manifest_.mutable_roles()->Add(stored->facts.roles.begin(), stored->facts.roles.end());
    return absl::OkStatus();
  }

  absl::Status StoreDatabase(const Conninfo& conninfo, const SnapshotSession& session) {
    const DumpCommand command = {programs_.pg_dump,
                                 {"--format=plain", absl::StrCat("--snapshot=", session.snapshot()),
                                  absl::StrCat("--encoding=", session.facts().identity.encoding()),
                                  absl::StrCat("--lock-wait-timeout=", LockTimeoutMs())},
                                 conninfo,
                                 limits_,
                                 spec_.max_bytes_per_second()};
    const std::string file_name = absl::StrCat("dump.sql", FileExtension(spec_.compression()));
    ASSIGN_OR_RETURN(const DatabaseDump dump, DumpDatabase(*writer_, file_name, command, PlanDump(session), Encoding(),
                                                           cancellation_, progress_));
    const StoredDump& stored = dump.stored;
    Describe(stored, dump.stderr_lines);
    RETURN_IF_ERROR(CheckAllTablesDumped(session.expected_tables(), stored.facts));
    RETURN_IF_ERROR(CheckVerifySpec(request_.verify, session.expected_tables(), stored.facts));
    manifest_.mutable_tables()->Add(stored.facts.tables.begin(), stored.facts.tables.end());
    manifest_.mutable_sequences()->Add(stored.facts.sequences.begin(), stored.facts.sequences.end());
    manifest_.set_schema_fingerprint(stored.facts.SchemaFingerprint());
    observer_.OnLog(absl::StrCat("dumped ", stored.facts.tables.size(), " tables, ",
                                 backup::FormatSize(stored.file.plain_bytes()), " of text stored as ",
                                 backup::FormatSize(stored.file.stored_bytes())));
    if (spec_.compression() != v1::NONE) {
      RETURN_IF_ERROR(AddFile(absl::StrCat(file_name, ".gzi"), FormatGziIndex(stored.members)));
    }
    return absl::OkStatus();
  }

  void Warn(const std::string& warning) {
    observer_.OnLog(warning);
    if (manifest_.warnings_size() < static_cast<int>(kMaxWarnings)) {
      manifest_.add_warnings(warning);
    }
  }

  DumpPlan PlanDump(const SnapshotSession& session) {
    if (spec_.jobs() <= 1) {
      return {};
    }
    const auto table_count = static_cast<int64_t>(session.expected_tables().size());
    if (!LocksAllowStreams(table_count, session.lock_table_size())) {
      Warn(absl::StrCat("the server's lock table has no room for several dump processes over ", table_count,
                        " tables: one does it all; raise max_locks_per_transaction"));
      return {};
    }
    std::vector<DumpableTable> tables;
    for (const ExpectedTable& table : session.expected_tables()) {
      tables.push_back({table.schema, table.name, table.bytes});
    }
    DumpPlan plan = PlanStreams(std::move(tables), 0, spec_.jobs());
    observer_.OnLog(absl::StrCat("dump.jobs is ", spec_.jobs(), ": ", plan.streams.size() + 1, " streams of data"));
    return plan;
  }

  // The snapshot ties the dump to the database that was looked at; this finds one that was replaced meanwhile. A server
  // that has just gone away does not take back what was read.
  absl::Status CheckIdentityAfterwards(const SnapshotSession& session) {
    absl::StatusOr<DatabaseFacts> after = ProbeDatabase(request_.target, ProbeOptions(), &cancellation_);
    if (after.ok()) {
      return CheckSameDatabase(session.facts().identity, after->identity);
    }
    RETURN_IF_ERROR(CheckNotCancelled());
    const std::string warning =
        absl::StrCat("the database could not be looked at after the dump: ", std::string(after.status().message()));
    observer_.OnLog(warning);
    manifest_.add_warnings(warning);
    return absl::OkStatus();
  }

  absl::Status StoreProperties(const SnapshotSession& session) {
    if (!session.properties().ok()) {
      Warn(absl::StrCat("the database's own owner, privileges and settings are not in the backup: ",
                        std::string(session.properties().status().message())));
      return absl::OkStatus();
    }
    return AddFile(kPropertiesFile, absl::StrCat(ToJson(*session.properties(), /*indent=*/true), "\n"));
  }

  // A small file that is stored as it is.
  absl::Status AddFile(const std::string& name, const std::string& contents) {
    ASSIGN_OR_RETURN(std::string sha256, writer_->WriteFile(name, contents));
    v1::ArtifactFile& file = *manifest_.add_files();
    file.set_name(name);
    file.set_codec(v1::NONE);
    file.set_stored_bytes(static_cast<int64_t>(contents.size()));
    file.set_plain_bytes(static_cast<int64_t>(contents.size()));
    file.set_stored_sha256(sha256);
    file.set_plain_sha256(sha256);
    return absl::OkStatus();
  }

  absl::Status WriteDescription() {
    RETURN_IF_ERROR(AddFile(kRestoreFile, FormatRestoreText(manifest_)));
    *manifest_.mutable_end_time() = ToProto(clock_.Now());
    std::map<std::string, std::string> sums;
    for (const v1::ArtifactFile& file : manifest_.files()) {
      sums[file.name()] = file.stored_sha256();
    }
    ASSIGN_OR_RETURN(sums[kManifestFile], writer_->WriteFile(kManifestFile, FormatManifest(manifest_)));
    manifest_sha256_ = sums[kManifestFile];
    return writer_->WriteFile(kSumsFile, FormatSums(sums)).status();
  }

  absl::StatusOr<BackupOutcome> ReadBack() {
    VerifyRequest request;
    request.artifact_directory = writer_->partial_path();
    request.manifest_sha256 = manifest_sha256_;
    ASSIGN_OR_RETURN(VerifyOutcome verified, VerifyArtifact(request, clock_, observer_, cancellation_));
    observer_.OnLog(absl::StrCat("read back in ",
                                 absl::FormatDuration(absl::Trunc(verified.verify_duration, absl::Milliseconds(1)))));
    BackupOutcome outcome;
    outcome.manifest = std::move(verified.manifest);
    outcome.manifest_sha256 = manifest_sha256_;
    outcome.path = writer_->final_path();
    outcome.verify_time = verified.verify_time;
    outcome.verify_duration = verified.verify_duration;
    return outcome;
  }

  int64_t LockTimeoutMs() const { return absl::ToInt64Milliseconds(ToAbsl(spec_.lock_timeout())); }

  const BackupRequest& request_;
  const v1::DumpSpec spec_;
  Clock& clock_;
  JobObserver& observer_;
  Cancellation& cancellation_;
  ProgressMeter progress_;
  DumpLimits limits_;
  PgPrograms programs_;
  std::unique_ptr<ArtifactWriter> writer_;
  v1::Manifest manifest_;
  std::string manifest_sha256_;
};

}  // namespace

absl::StatusOr<BackupOutcome> RunBackup(const BackupRequest& request, Clock& clock, JobObserver& observer,
                                        Cancellation& cancellation) {
  return BackupJob(request, clock, observer, cancellation).Run();
}

}  // namespace backup::agent
