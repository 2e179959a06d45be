// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "server/store/store.h"

namespace backup::server {

struct PostgresStoreOptions {
  // The catalog, in any form that libpq takes. May hold a password.
  std::string url;
  // Connections at once. Default 8.
  int max_connections = 8;
  // How long a verb waits for a connection when all are in use. Default 10 s.
  absl::Duration acquire_timeout = absl::Seconds(10);
  // How long a verb whose COMMIT got no answer asks what became of it, before it gives CATALOG_UNAVAILABLE. Default 15
  // s.
  absl::Duration max_doubt = absl::Seconds(15);
};

// The catalog in a PostgreSQL database whose schema ApplyMigrations has made. See Store for what each verb promises.
//
// Rows that cannot be read, because somebody changed them by hand, are logged as errors: lists pass over them, and a
// verb about such a row gives INTERNAL CATALOG_ROW_INVALID.
//
// The verbs are spread over files by noun: postgres_policies.cc, postgres_runs.cc and so on.
class PostgresStore : public Store {
 public:
  // Connects to nothing yet: a catalog that is away is no reason not to start. INVALID_ARGUMENT CATALOG_URL_INVALID.
  static absl::StatusOr<std::unique_ptr<PostgresStore>> Create(const PostgresStoreOptions& options);
  // No verb may be running.
  ~PostgresStore() override;

  // Verbs that wait for a connection or for another try give CATALOG_UNAVAILABLE at once, as do all later ones.
  // Idempotent.
  void Stop();

  absl::StatusOr<v1::Policy> GetPolicy(absl::string_view name) override;
  absl::StatusOr<Page<v1::Policy>> ListPolicies(const PageRequest& page) override;
  absl::StatusOr<std::vector<v1::Policy>> ReadPolicies() override;
  absl::StatusOr<v1::Policy> ChangePolicy(absl::string_view name, absl::Time now,
                                          const PolicyDecision& decide) override;
  absl::StatusOr<std::string> ChangePolicyPart(absl::string_view name, absl::Time now, absl::string_view after,
                                               int limit, const PolicyDecision& decide) override;

  absl::StatusOr<v1::Run> GetRun(absl::string_view name) override;
  absl::StatusOr<Page<v1::Run>> ListRuns(const v1::RunFilter& filter, const PageRequest& page) override;
  absl::StatusOr<v1::Run> CreateRun(const v1::Run& run, absl::string_view request_id, absl::Time now,
                                    absl::Span<const v1::Event> events) override;
  absl::StatusOr<v1::Run> ChangeRun(absl::string_view name, const RunDecision& decide) override;
  absl::StatusOr<std::vector<std::string>> ListRunsToAdvance(absl::Time now, int limit) override;
  absl::StatusOr<absl::Time> NextAdvanceTime(absl::Time now) override;
  absl::StatusOr<std::vector<v1::Run>> ListOpenRuns(absl::string_view agent, absl::Time horizon) override;
  absl::StatusOr<std::vector<std::string>> ListUnstartedRuns(absl::string_view agent, absl::Time now) override;
  absl::StatusOr<Places> ReadPlaces(absl::Time seen_since, int limit) override;
  absl::Status MarkDelivered(absl::Span<const v1::Run> runs) override;
  absl::StatusOr<int64_t> AppendRunLog(absl::string_view run, absl::Span<const v1::RunLogLine> lines) override;
  absl::StatusOr<std::vector<v1::RunLogLine>> ListRunLog(absl::string_view run, int64_t offset, int limit) override;

  absl::StatusOr<Compaction> CompactRuns(absl::Time before, const std::string& from, int limit) override;
  absl::StatusOr<Compaction> CompactEvents(absl::Time before, const std::string& from, int limit) override;
  absl::StatusOr<std::vector<RunCount>> ListRunCounts(absl::string_view database, absl::Time since,
                                                      absl::Time until) override;

  absl::StatusOr<v1::Backup> GetBackup(absl::string_view name) override;
  absl::StatusOr<v1::Backup> SetBackupHold(absl::string_view name, const std::optional<v1::BackupHold>& hold,
                                           absl::Span<const v1::Event> events) override;
  absl::StatusOr<DatabaseBackupsView> ReadDatabaseBackups(absl::string_view database, absl::Time now) override;
  absl::StatusOr<DatabaseBackupsChange> ChangeDatabaseBackups(absl::string_view database, absl::Time now,
                                                              const DatabaseBackupsDecision& decide) override;
  absl::StatusOr<Page<v1::Backup>> ListBackups(const v1::BackupFilter& filter, const PageRequest& page) override;
  absl::StatusOr<Page<RetentionView>> ListRetentionViews(absl::Time now, const PageRequest& page) override;

  absl::StatusOr<std::vector<SlotCount>> CountSlots(absl::string_view database, absl::Time since,
                                                    absl::Time until) override;
  absl::StatusOr<Page<PastBackup>> ListPastBackups(absl::string_view database, absl::Time since, absl::Time until,
                                                   const PageRequest& page) override;
  absl::StatusOr<absl::Time> LastGoodBefore(absl::string_view database, absl::Time before) override;
  absl::StatusOr<std::vector<v1::Run>> ListPastDrills(absl::string_view database, absl::Time since, absl::Time until,
                                                      int limit) override;

  absl::StatusOr<v1::Agent> GetAgent(absl::string_view name) override;
  absl::StatusOr<Page<v1::Agent>> ListAgents(const PageRequest& page) override;
  absl::StatusOr<v1::Database> GetDatabase(absl::string_view name) override;
  absl::StatusOr<Page<v1::Database>> ListDatabases(absl::string_view agent, const PageRequest& page) override;
  absl::StatusOr<RecordedReport> RecordAgentReport(const AgentReport& report) override;
  absl::Status PutEnrollmentToken(absl::string_view token_sha256, absl::string_view agent, absl::Time expire_time,
                                  absl::Span<const v1::Event> events) override;
  absl::StatusOr<std::string> FindEnrollmentToken(absl::string_view token_sha256, absl::Time now) override;
  absl::Status UseEnrollmentToken(absl::string_view token_sha256, absl::Time now, const v1::Agent& agent,
                                  absl::Span<const v1::Event> events) override;

  absl::StatusOr<v1::FleetStatus> ReadFleetStatus(absl::Time now, absl::Span<const std::string> worst) override;
  absl::StatusOr<FleetPart> ReadFleetPart(absl::Time now, const PageRequest& page) override;
  absl::StatusOr<Page<v1::Event>> ListEvents(absl::string_view subject, const PageRequest& page) override;
  absl::Status AppendEvents(absl::Span<const v1::Event> events) override;
  absl::Status Ping() override;

 private:
  struct Rep;  // Keeps libpqxx out of this header.
  explicit PostgresStore(std::unique_ptr<Rep> rep);

  const std::unique_ptr<Rep> rep_;
};

}  // namespace backup::server
