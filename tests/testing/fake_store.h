// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "server/store/store.h"

namespace backup::testing {

// The catalog in memory, with the semantics of server::Store: it passes the same contract suite as PostgreSQL.
// Decisions are called under its lock and must not call it.
class FakeStore : public server::Store {
 public:
  // --- for tests ---
  // The next `count` verbs do nothing and give `status`.
  void FailNext(absl::Status status, int count = 1);
  // While true every verb does nothing and gives UNAVAILABLE CATALOG_UNAVAILABLE.
  void SetUnavailable(bool unavailable);
  // The next verb that writes does its work and gives CATALOG_UNAVAILABLE all the same, as when the catalog dies
  // between its COMMIT and the answer.
  void LoseNextAnswer();
  // While true every decision is made twice from the same view, and the first is thrown away.
  void SetRepeatDecisions(bool repeat);
  // Puts it in as if enrolled, with its databases; without a token.
  void PutAgent(const v1::Agent& agent, const std::vector<v1::Database>& databases = {});
  // Inserted, or replaced by name; checks nothing. Gives it a sequence when it has none.
  void PutRun(const v1::Run& run);
  void PutBackup(const v1::Backup& backup);
  // Replaces; its etag, times and output-only fields are set as ChangePolicy would.
  void PutPolicy(const v1::Policy& policy, absl::Time now);
  // Oldest first.
  std::vector<v1::Event> events() const;

  // --- Store ---
  absl::StatusOr<v1::Policy> GetPolicy(absl::string_view name) override;
  absl::StatusOr<server::Page<v1::Policy>> ListPolicies(const server::PageRequest& page) override;
  absl::StatusOr<std::vector<v1::Policy>> ReadPolicies() override;
  absl::StatusOr<v1::Policy> ChangePolicy(absl::string_view name, absl::Time now,
                                          const server::PolicyDecision& decide) override;
  absl::StatusOr<std::string> ChangePolicyPart(absl::string_view name, absl::Time now, absl::string_view after,
                                               int limit, const server::PolicyDecision& decide) override;

  absl::StatusOr<v1::Run> GetRun(absl::string_view name) override;
  absl::StatusOr<server::Page<v1::Run>> ListRuns(const v1::RunFilter& filter, const server::PageRequest& page) override;
  absl::StatusOr<v1::Run> CreateRun(const v1::Run& run, absl::string_view request_id, absl::Time now,
                                    absl::Span<const v1::Event> events) override;
  absl::StatusOr<v1::Run> ChangeRun(absl::string_view name, const server::RunDecision& decide) override;
  absl::StatusOr<std::vector<std::string>> ListRunsToAdvance(absl::Time now, int limit) override;
  absl::StatusOr<absl::Time> NextAdvanceTime(absl::Time now) override;
  absl::StatusOr<std::vector<v1::Run>> ListOpenRuns(absl::string_view agent, absl::Time horizon) override;
  absl::StatusOr<std::vector<std::string>> ListUnstartedRuns(absl::string_view agent, absl::Time now) override;
  absl::StatusOr<server::Places> ReadPlaces(absl::Time seen_since, int limit) override;
  absl::Status MarkDelivered(absl::Span<const v1::Run> runs) override;
  absl::StatusOr<int64_t> AppendRunLog(absl::string_view run, absl::Span<const v1::RunLogLine> lines) override;
  absl::StatusOr<std::vector<v1::RunLogLine>> ListRunLog(absl::string_view run, int64_t offset, int limit) override;

  absl::StatusOr<server::Compaction> CompactRuns(absl::Time before, const std::string& from, int limit) override;
  absl::StatusOr<server::Compaction> CompactEvents(absl::Time before, const std::string& from, int limit) override;
  absl::StatusOr<std::vector<server::RunCount>> ListRunCounts(absl::string_view database, absl::Time since,
                                                              absl::Time until) override;

  absl::StatusOr<v1::Backup> GetBackup(absl::string_view name) override;
  absl::StatusOr<v1::Backup> SetBackupHold(absl::string_view name, const std::optional<v1::BackupHold>& hold,
                                           absl::Span<const v1::Event> events) override;
  absl::StatusOr<server::DatabaseBackupsView> ReadDatabaseBackups(absl::string_view database, absl::Time now) override;
  absl::StatusOr<server::DatabaseBackupsChange> ChangeDatabaseBackups(
      absl::string_view database, absl::Time now, const server::DatabaseBackupsDecision& decide) override;
  absl::StatusOr<server::Page<v1::Backup>> ListBackups(const v1::BackupFilter& filter,
                                                       const server::PageRequest& page) override;
  absl::StatusOr<server::Page<server::RetentionView>> ListRetentionViews(absl::Time now,
                                                                         const server::PageRequest& page) override;

  absl::StatusOr<std::vector<server::SlotCount>> CountSlots(absl::string_view database, absl::Time since,
                                                            absl::Time until) override;
  absl::StatusOr<server::Page<server::PastBackup>> ListPastBackups(absl::string_view database, absl::Time since,
                                                                   absl::Time until,
                                                                   const server::PageRequest& page) override;
  absl::StatusOr<absl::Time> LastGoodBefore(absl::string_view database, absl::Time before) override;
  absl::StatusOr<std::vector<v1::Run>> ListPastDrills(absl::string_view database, absl::Time since, absl::Time until,
                                                      int limit) override;

  absl::StatusOr<v1::Agent> GetAgent(absl::string_view name) override;
  absl::StatusOr<server::Page<v1::Agent>> ListAgents(const server::PageRequest& page) override;
  absl::StatusOr<v1::Database> GetDatabase(absl::string_view name) override;
  absl::StatusOr<server::Page<v1::Database>> ListDatabases(absl::string_view agent,
                                                           const server::PageRequest& page) override;
  absl::StatusOr<server::RecordedReport> RecordAgentReport(const server::AgentReport& report) override;
  absl::Status PutEnrollmentToken(absl::string_view token_sha256, absl::string_view agent, absl::Time expire_time,
                                  absl::Span<const v1::Event> events) override;
  absl::StatusOr<std::string> FindEnrollmentToken(absl::string_view token_sha256, absl::Time now) override;
  absl::Status UseEnrollmentToken(absl::string_view token_sha256, absl::Time now, const v1::Agent& agent,
                                  absl::Span<const v1::Event> events) override;

  absl::StatusOr<v1::FleetStatus> ReadFleetStatus(absl::Time now, absl::Span<const std::string> worst) override;
  absl::StatusOr<server::FleetPart> ReadFleetPart(absl::Time now, const server::PageRequest& page) override;
  absl::StatusOr<server::Page<v1::Event>> ListEvents(absl::string_view subject,
                                                     const server::PageRequest& page) override;
  absl::Status AppendEvents(absl::Span<const v1::Event> events) override;
  absl::Status Ping() override;

 private:
  struct AgentRow {
    v1::Agent agent;
    int64_t report_sequence = 0;
  };
  struct DatabaseRow {
    v1::Database database;
    bool gone = false;
  };
  struct TokenRow {
    std::string agent;
    absl::Time expire_time;
    bool used = false;
  };
  struct RequestRow {
    std::string run;
    absl::Time time;
  };

  // Database, month, policy, kind, state, manual.
  using RunCountKey = std::tuple<std::string, absl::Time, std::string, v1::RunKind, v1::RunState, bool>;

  // First thing in every verb: the failure that a test asked for, or OK.
  absl::Status Enter() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Last thing in every verb that writes.
  absl::Status Leave() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  v1::Policy FilledPolicy(const v1::Policy& policy) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  v1::Database FilledDatabase(const v1::Database& database) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  v1::DatabaseStatus DatabaseLine(const v1::Database& database, absl::Time now) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  server::PolicyView ViewPolicy(const std::string& name, absl::Time now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Leaves only the part's databases and runs. Returns where the next begins.
  std::string CutToPart(const std::string& after, int limit, server::PolicyView* view) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void ApplyPolicyChange(const std::string& name, absl::Time now, const server::PolicyChange& change)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void StorePolicy(v1::Policy policy, absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  server::RunView ViewRun(const v1::Run& run) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool IsOvertaken(const v1::Run& run) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void InsertRun(v1::Run run) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void EraseRun(absl::string_view name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  v1::Run* FindRun(absl::string_view name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool IsPaused(const std::string& policy) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  void StoreBackup(v1::Backup backup) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  const v1::Backup* FindBackup(absl::string_view name) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  server::RetainedBackup Retained(const v1::Backup& backup, absl::Time now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  const v1::Backup* LastGood(const std::string& database) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Whether the run says how its kind of work goes; which of two such runs has the last word.
  static bool Tells(const v1::Run& run);
  static bool IsLater(const v1::Run& a, const v1::Run& b);
  bool LastRunFailed(const std::string& database, const std::string& policy, absl::Time now) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::StatusOr<server::DatabaseBackupsView> ViewBackups(absl::string_view database, absl::Time now) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const DatabaseRow* FindDatabase(absl::string_view name) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void StoreEvents(absl::Span<const v1::Event> events) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable Mutex mu_;
  absl::Status next_failure_ ABSL_GUARDED_BY(mu_);
  int next_failure_count_ ABSL_GUARDED_BY(mu_) = 0;
  bool unavailable_ ABSL_GUARDED_BY(mu_) = false;
  bool lose_next_answer_ ABSL_GUARDED_BY(mu_) = false;
  bool repeat_decisions_ ABSL_GUARDED_BY(mu_) = false;

  int64_t last_sequence_ ABSL_GUARDED_BY(mu_) = 0;
  std::map<std::string, v1::Policy> policies_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, absl::Time> planned_times_ ABSL_GUARDED_BY(mu_);  // By policy.
  std::map<int64_t, v1::Run> runs_ ABSL_GUARDED_BY(mu_);                  // By sequence, as backups and events.
  std::map<std::string, int64_t> run_sequences_ ABSL_GUARDED_BY(mu_);
  std::set<std::string> slots_ ABSL_GUARDED_BY(mu_);  // Keys of runs made by a schedule.
  std::map<std::string, RequestRow> requests_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, std::vector<v1::RunLogLine>> run_logs_ ABSL_GUARDED_BY(mu_);
  std::map<int64_t, v1::Backup> backups_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, int64_t> backup_sequences_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, AgentRow> agents_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, DatabaseRow> databases_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, TokenRow> tokens_ ABSL_GUARDED_BY(mu_);
  std::map<int64_t, v1::Event> events_ ABSL_GUARDED_BY(mu_);
  std::map<RunCountKey, int64_t> run_counts_ ABSL_GUARDED_BY(mu_);
};

}  // namespace backup::testing
