// SPDX-License-Identifier: Apache-2.0
#include "agent/attempt_work.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "agent/attempt_key.h"
#include "agent/pipeline/job_failure.h"
#include "agent/pipeline/repository.h"
#include "agent/run_result.h"
#include "base/proto_json.h"
#include "base/random.h"
#include "base/resource_name.h"

namespace backup::agent {
namespace {

constexpr int kDefaultJobs = 2;

std::string BackupIdOf(const v1::Run& attempt) { return std::string(absl::StripPrefix(attempt.backup(), "backups/")); }

BackupRequest MakeBackupRequest(const v1::Run& attempt, const DatabaseConfig& database,
                                const JobEnvironment& environment) {
  BackupRequest request;
  request.target = database.target;
  request.repository = environment.repository;
  request.agent = environment.agent_id;
  request.database = database.id;
  request.backup_id = BackupIdOf(attempt);
  request.run = attempt.name();
  request.attempt_id = attempt.attempt_id();
  request.epoch = attempt.epoch();
  request.policy = attempt.policy();
  if (!attempt.manual() && attempt.has_slot_time()) {
    request.slot_time = ToAbsl(attempt.slot_time());
  }
  request.dump = attempt.spec().dump();
  request.verify = attempt.spec().verify();
  request.pg_bindir = environment.pg_bindir;
  return request;
}

VerifyRequest MakeVerifyRequest(const v1::Run& attempt, const DatabaseConfig& database,
                                const JobEnvironment& environment) {
  VerifyRequest request;
  request.artifact_directory =
      ArtifactPath(environment.repository, environment.agent_id, database.id, attempt.spec().backup_id());
  request.manifest_sha256 = attempt.spec().manifest_sha256();
  return request;
}

RemoveRequest MakeRemoveRequest(const v1::Run& attempt, const DatabaseConfig& database,
                                const JobEnvironment& environment) {
  return {environment.repository, "", environment.agent_id, database.id, attempt.spec().backup_id()};
}

DrillRequest MakeDrillRequest(const v1::Run& attempt, const DatabaseConfig& database,
                              const JobEnvironment& environment) {
  const v1::RunSpec& spec = attempt.spec();
  DrillRequest request;
  request.artifact_directory =
      ArtifactPath(environment.repository, environment.agent_id, database.id, spec.backup_id());
  request.manifest_sha256 = spec.manifest_sha256();
  request.work_directory = environment.drill_directory;
  request.pg_bindir = environment.pg_bindir;
  request.jobs = spec.drill().jobs() == 0 ? kDefaultJobs : spec.drill().jobs();
  request.assertions.assign(spec.drill().assertions().begin(), spec.drill().assertions().end());
  return request;
}

RestoreRequest MakeRestoreRequest(const v1::Run& attempt, const DatabaseConfig& database,
                                  const JobEnvironment& environment) {
  const v1::RestoreRunSpec& spec = attempt.spec().restore();
  RestoreRequest request;
  request.artifact_directory =
      ArtifactPath(environment.repository, environment.agent_id, database.id, attempt.spec().backup_id());
  request.manifest_sha256 = attempt.spec().manifest_sha256();
  for (const RestoreTargetConfig& target : environment.restore_targets) {
    if (target.name == spec.target()) {
      request.server = target.server;
    }
  }
  (spec.into_schema().empty() ? request.create_database : request.into_database) = spec.database();
  request.into_schema = spec.into_schema();
  request.tables.assign(spec.tables().begin(), spec.tables().end());
  request.schemas.assign(spec.schemas().begin(), spec.schemas().end());
  request.jobs = spec.jobs() == 0 ? kDefaultJobs : spec.jobs();
  request.create_roles = spec.create_roles();
  request.ignore_tablespaces = spec.ignore_tablespaces();
  request.prove = spec.prove();
  return request;
}

// `job` gives an outcome, of which `succeeded` makes the result.
template <typename Job, typename Succeeded>
AttemptWork MakeWork(Job job, Succeeded succeeded, absl::Time start, Clock& clock) {
  return [=, &clock](JobObserver& observer, Cancellation& cancellation) -> std::optional<v1::RunResult> {
    const auto outcome = job(observer, cancellation);
    return outcome.ok() ? succeeded(*outcome, start, clock.Now())
                        : EndedWithError(outcome.status(), cancellation, start, clock.Now());
  };
}

AttemptWork WorkOnRestore(const RestoreRequest& request, bool plan_only, absl::Time start, JobRunner& jobs,
                          Clock& clock) {
  if (plan_only) {
    return MakeWork(
        [request, &jobs](JobObserver& observer, Cancellation& cancellation) {
          return jobs.PlanRestore(request, observer, cancellation);
        },
        RestorePlanned, start, clock);
  }
  return MakeWork(
      [request, &jobs](JobObserver& observer, Cancellation& cancellation) {
        return jobs.Restore(request, observer, cancellation);
      },
      RestoreSucceeded, start, clock);
}

}  // namespace

v1::Run NewAttempt(const v1::DesiredRun& run, std::string attempt_id, absl::Time now) {
  v1::Run attempt;
  attempt.set_name(run.run());
  attempt.set_kind(run.kind());
  attempt.set_database(run.database());
  attempt.set_policy(run.policy());
  attempt.set_state(v1::RUNNING);
  attempt.set_manual(run.manual());
  attempt.set_epoch(run.epoch());
  attempt.set_attempt_id(std::move(attempt_id));
  *attempt.mutable_start_time() = ToProto(now);
  if (run.has_slot_time()) {
    *attempt.mutable_slot_time() = run.slot_time();
  }
  *attempt.mutable_spec() = run.spec();
  const std::string run_id(absl::StripPrefix(run.run(), "runs/"));
  attempt.set_backup(MakeBackupName(run.kind() == v1::BACKUP ? MakeBackupId(now, run_id) : run.spec().backup_id()));
  return attempt;
}

AttemptWork WorkOn(const v1::Run& attempt, const DatabaseConfig& database, const JobEnvironment& environment,
                   JobRunner& jobs, Clock& clock) {
  const absl::Time start = ToAbsl(attempt.start_time());
  switch (attempt.kind()) {
    case v1::VERIFY:
      return MakeWork([=, request = MakeVerifyRequest(attempt, database, environment), &jobs](
                          JobObserver& observer,
                          Cancellation& cancellation) { return jobs.Verify(request, observer, cancellation); },
                      VerifySucceeded, start, clock);
    case v1::DELETE:
      // Once begun it is finished: what is half removed is of no use to anybody.
      return MakeWork([=, request = MakeRemoveRequest(attempt, database, environment), &jobs](
                          JobObserver& observer, Cancellation&) { return jobs.Remove(request, observer); },
                      RemoveSucceeded, start, clock);
    case v1::DRILL:
      return MakeWork([=, request = MakeDrillRequest(attempt, database, environment), &jobs](
                          JobObserver& observer,
                          Cancellation& cancellation) { return jobs.Drill(request, observer, cancellation); },
                      DrillSucceeded, start, clock);
    case v1::RESTORE:
      return WorkOnRestore(MakeRestoreRequest(attempt, database, environment), attempt.spec().restore().plan_only(),
                           start, jobs, clock);
    default:
      return MakeWork([=, request = MakeBackupRequest(attempt, database, environment), &jobs](
                          JobObserver& observer,
                          Cancellation& cancellation) { return jobs.Backup(request, observer, cancellation); },
                      BackupSucceeded, start, clock);
  }
}

AttemptWork WorkOnPublished(const v1::Run& attempt, std::string path, JobRunner& jobs, Clock& clock) {
  return [=, path = std::move(path), &jobs, &clock](JobObserver& observer,
                                                    Cancellation& cancellation) -> std::optional<v1::RunResult> {
    observer.OnLog(absl::StrCat("the agent stopped after ", path, " was published; reading it back"));
    const absl::Time start = ToAbsl(attempt.start_time());
    const absl::StatusOr<VerifyOutcome> verified = jobs.Verify({path, "", true}, observer, cancellation);
    if (!verified.ok()) {
      const v1::FailureCause cause = FailureFromStatus(verified.status()).cause();
      if (cancellation.cancelled() || cause == v1::REPOSITORY_UNAVAILABLE || cause == v1::REPOSITORY_BUSY ||
          cause == v1::IO) {
        return std::nullopt;
      }
      return EndedWithError(verified.status(), cancellation, start, clock.Now());
    }
    if (verified->manifest.attempt_id() != attempt.attempt_id() || verified->manifest.run() != attempt.name()) {
      return EndedWithError(JobError(v1::CORRUPT, absl::StrCat(path, " belongs to another attempt")), cancellation,
                            start, clock.Now());
    }
    const BackupOutcome outcome{verified->manifest, verified->manifest_sha256, path, verified->verify_time,
                                verified->verify_duration};
    const absl::Time end = verified->manifest.has_end_time() ? ToAbsl(verified->manifest.end_time()) : clock.Now();
    return BackupSucceeded(outcome, start, end);
  };
}

}  // namespace backup::agent
