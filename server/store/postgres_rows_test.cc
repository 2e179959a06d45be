// SPDX-License-Identifier: Apache-2.0
// Rows that somebody changed by hand.
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/log.h"
#include "server/store/postgres_store.h"
#include "tests/testing/matchers.h"
#include "tests/testing/mini_catalog.h"
#include "tests/testing/temp_dir.h"

namespace backup::server {
namespace {

using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::MiniCatalog;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const absl::Time kReceiveTime = absl::FromUnixSeconds(1795435200);

// Two of each noun, by SQL; the tests spoil the first.
constexpr char kRows[] = R"(
  INSERT INTO policies (name, create_time, update_time, data)
    SELECT 'policies/p' || i, now(), now(), '{"spec":{"schedule":{"cron":"0 22 * * *"}}}' FROM generate_series(1, 2) i;
  INSERT INTO agents (name, boot_id, report_sequence, data) SELECT 'agents/a' || i, '', 0, '{}' FROM generate_series(1, 2) i;
  INSERT INTO databases (name, agent, gone, data)
    SELECT 'agents/a' || i || '/databases/d', 'agents/a' || i, false, '{}' FROM generate_series(1, 2) i;
  INSERT INTO runs (name, kind, database, agent, policy, state, manual, delivered, epoch, slot_time, not_before_time, create_time, data)
    SELECT 'runs/r' || i, 'BACKUP', 'agents/a1/databases/d', 'agents/a1', 'policies/p1', 'SCHEDULED', false, false, 1,
           '2026-11-23 10:00:00+00'::timestamptz + i * interval '1 hour', '2026-11-23 10:00:00+00', now(), '{}'
    FROM generate_series(1, 2) i;
  INSERT INTO backups (name, database, agent, policy, state, size_bytes, data)
    SELECT 'backups/2026112' || i || 'T120000Z-0123456789', 'agents/a1/databases/d', 'agents/a1', 'policies/p1', 'GOOD', 5, '{}'
    FROM generate_series(1, 2) i;
  INSERT INTO backup_manifests (backup, data) SELECT sequence, '{"formatVersion":1}' FROM backups;
  INSERT INTO events (time, actor, subject, type, message) SELECT now(), '', 'subject', 'T' || i, '' FROM generate_series(1, 2) i;
)";

template <typename Items>
std::vector<std::string> Names(const Items& items) {
  std::vector<std::string> names;
  for (const auto& item : items) names.push_back(item.name());
  return names;
}

class PostgresRowsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    absl::StatusOr<std::unique_ptr<MiniCatalog>> catalog = MiniCatalog::Create();
    ASSERT_THAT(catalog, IsOk());
    catalog_ = *std::move(catalog);
    ASSERT_THAT(catalog_->Execute(kRows), IsOk());
    absl::StatusOr<std::unique_ptr<PostgresStore>> store = PostgresStore::Create({catalog_->url()});
    ASSERT_THAT(store, IsOk());
    store_ = *std::move(store);
  }
  void Spoil(const std::string& sql) { ASSERT_THAT(catalog_->Execute(sql), IsOk()) << sql; }

  std::unique_ptr<MiniCatalog> catalog_;
  std::unique_ptr<PostgresStore> store_;
};

TEST_F(PostgresRowsTest, SoundRowsAreRead) {
  EXPECT_THAT(Names(store_->ListPolicies({})->items), ElementsAre("policies/p1", "policies/p2"));
  EXPECT_THAT(Names(store_->ListRuns({}, {})->items), ElementsAre("runs/r2", "runs/r1"));
  EXPECT_EQ(store_->ListBackups({}, {})->items.size(), 2u);
  EXPECT_EQ(store_->ListEvents("", {})->items.size(), 2u);
}

TEST_F(PostgresRowsTest, AWrongRunIsPassedOverInListsAndRefusedByItself) {
  catalog_->SetSpoiled();
  for (const char* column : {"epoch", "kind", "data", "slot_time", "delivered"}) {
    Spoil(std::string("ALTER TABLE runs ALTER ") + column + " DROP NOT NULL");
  }
  for (const std::string wrong :
       {"kind = 'NO_SUCH_KIND'", "kind = 'RUN_KIND_UNSPECIFIED'", "kind = NULL", "data = '{\"noSuchField\": 1}'",
        "data = '[1]'", "data = '\"text\"'", "data = '{\"progress\": {\"phase\": \"NO_SUCH_PHASE\"}}'", "data = NULL",
        "epoch = NULL", "slot_time = 'infinity'", "slot_time = '4712-01-01 00:00:00+00 BC'", "slot_time = NULL",
        "database = '../..'", "delivered = NULL",
        "data = '{\"progress\": {\"plainBytes\": \"99999999999999999999\"}}'"}) {
    Spoil("CREATE TABLE kept AS SELECT * FROM runs WHERE name = 'runs/r1'");
    Spoil("UPDATE runs SET " + wrong + " WHERE name = 'runs/r1'");

    EXPECT_THAT(Names(store_->ListRuns({}, {})->items), ElementsAre("runs/r2")) << wrong;
    const absl::StatusOr<v1::Run> run = store_->GetRun("runs/r1");
    EXPECT_THAT(run, HasReason("CATALOG_ROW_INVALID")) << wrong;
    EXPECT_THAT(std::string(run.status().message()), HasSubstr("runs/r1")) << wrong;
    EXPECT_THAT(store_->ChangeRun("runs/r1",
                                  [](const RunView& v) -> absl::StatusOr<RunChange> {
                                    return RunChange{v.run, {}, {}};
                                  }),
                HasReason("CATALOG_ROW_INVALID"))
        << wrong;
    EXPECT_THAT(store_->ListOpenRuns("agents/a1", kReceiveTime), IsOk()) << wrong;
    EXPECT_THAT(store_->ListRunsToAdvance(kReceiveTime, 10), IsOk()) << wrong;
    EXPECT_THAT(store_->ReadFleetStatus(kReceiveTime, {}), IsOk()) << wrong;
    std::vector<v1::Run> seen;
    EXPECT_THAT(store_->ChangePolicy("policies/p1", kReceiveTime,
                                     [&](const PolicyView& view) -> absl::StatusOr<PolicyChange> {
                                       seen = view.scheduled_runs;
                                       return PolicyChange();
                                     }),
                IsOk())
        << wrong;
    EXPECT_THAT(Names(seen), ElementsAre("runs/r2")) << wrong;

    Spoil("DELETE FROM runs WHERE name = 'runs/r1'; INSERT INTO runs SELECT * FROM kept; DROP TABLE kept");
  }
  EXPECT_THAT(store_->GetRun("runs/r1"), IsOk());
}

TEST_F(PostgresRowsTest, AWrongTimeDoesNotStopWhatIsWorkedOutFromIt) {
  Spoil(
      "UPDATE runs SET not_before_time = 'infinity', slot_time = slot_time + interval '200000 years';"
      "UPDATE backups SET snapshot_time = '-infinity'");
  EXPECT_THAT(store_->NextAdvanceTime(kReceiveTime), backup::testing::IsOkAndHolds(absl::InfiniteFuture()));
  EXPECT_FALSE(store_->GetPolicy("policies/p1")->has_next_slot_time());
  EXPECT_FALSE(store_->GetDatabase("agents/a1/databases/d")->has_last_good_time());
  EXPECT_FALSE(store_->GetDatabase("agents/a1/databases/d")->has_next_slot_time());
  EXPECT_THAT(store_->ReadFleetStatus(kReceiveTime, {}), IsOk());
}

TEST_F(PostgresRowsTest, AnUnknownStateIsPassedOver) {
  Spoil(
      "UPDATE runs SET state = 'BANANA' WHERE name = 'runs/r1'; UPDATE backups SET state = 'banana' WHERE name LIKE "
      "'%21T%'");
  EXPECT_THAT(Names(store_->ListRuns({}, {})->items), ElementsAre("runs/r2"));
  EXPECT_THAT(store_->GetRun("runs/r1"), HasReason("CATALOG_ROW_INVALID"));
  EXPECT_THAT(Names(store_->ListBackups({}, {})->items), ElementsAre("backups/20261122T120000Z-0123456789"));
  EXPECT_THAT(store_->GetBackup("backups/20261121T120000Z-0123456789"), HasReason("CATALOG_ROW_INVALID"));
}

TEST_F(PostgresRowsTest, APageOfWrongRowsStillLeadsToTheNext) {
  Spoil("UPDATE runs SET kind = 'BANANA' WHERE name = 'runs/r2'");
  const absl::StatusOr<Page<v1::Run>> first = store_->ListRuns({}, {1, ""});
  ASSERT_THAT(first, IsOk());
  EXPECT_TRUE(first->items.empty());
  EXPECT_THAT(Names(store_->ListRuns({}, {1, first->next_token})->items), ElementsAre("runs/r1"));
}

TEST_F(PostgresRowsTest, WrongBackupsAreNotTheNewestGoodOnes) {
  Spoil("UPDATE backup_manifests SET data = '{\"tables\": 5}' WHERE backup = (SELECT max(sequence) FROM backups)");
  EXPECT_THAT(store_->GetBackup("backups/20261122T120000Z-0123456789"), HasReason("CATALOG_ROW_INVALID"));
  EXPECT_EQ(store_->ListBackups({}, {})->items.size(), 2u) << "lists read no manifests";
  EXPECT_THAT(store_->ChangeRun("runs/r1",
                                [](const RunView& view) -> absl::StatusOr<RunChange> {
                                  EXPECT_FALSE(view.last_good.has_value());
                                  return RunChange{view.run, {}, {}};
                                }),
              IsOk())
      << "an agent's report goes through";
}

TEST_F(PostgresRowsTest, ABackupsSizeCannotBeMadeNegative) {
  EXPECT_FALSE(catalog_->Execute("UPDATE backups SET size_bytes = -1").ok());
  catalog_->SetSpoiled();
  Spoil(
      "ALTER TABLE backups DROP CONSTRAINT backups_size_bytes_check; UPDATE backups SET size_bytes = -1 WHERE name "
      "LIKE '%21T%'");
  EXPECT_THAT(Names(store_->ListBackups({}, {})->items), ElementsAre("backups/20261122T120000Z-0123456789"));
}

TEST_F(PostgresRowsTest, WrongPoliciesAgentsDatabasesAndEventsArePassedOver) {
  Spoil(
      "UPDATE policies SET data = '{\"spec\": 5}' WHERE name = 'policies/p1';"
      "UPDATE agents SET data = '{\"slotCount\": \"many\"}' WHERE name = 'agents/a1';"
      "UPDATE databases SET data = '[]' WHERE name = 'agents/a1/databases/d';"
      "UPDATE events SET time = 'infinity' WHERE type = 'T1'");

  EXPECT_THAT(Names(store_->ListPolicies({})->items), ElementsAre("policies/p2"));
  EXPECT_THAT(store_->GetPolicy("policies/p1"), HasReason("CATALOG_ROW_INVALID"));
  EXPECT_THAT(Names(store_->ListAgents({})->items), ElementsAre("agents/a2"));
  EXPECT_THAT(store_->GetAgent("agents/a1"), HasReason("CATALOG_ROW_INVALID"));
  EXPECT_THAT(Names(store_->ListDatabases("", {})->items), ElementsAre("agents/a2/databases/d"));
  EXPECT_THAT(store_->GetDatabase("agents/a1/databases/d"), HasReason("CATALOG_ROW_INVALID"));
  EXPECT_EQ(store_->ListEvents("", {})->items.size(), 1u);
  const absl::StatusOr<v1::FleetStatus> status = store_->ReadFleetStatus(kReceiveTime, {});
  ASSERT_THAT(status, IsOk());
  EXPECT_EQ(status->databases_size(), 1);
  EXPECT_EQ(status->agents_size(), 1);
  EXPECT_THAT(store_->ChangePolicy("policies/p1", kReceiveTime,
                                   [](const PolicyView&) -> absl::StatusOr<PolicyChange> { return PolicyChange(); }),
              HasReason("CATALOG_ROW_INVALID"))
      << "nobody decides about a policy that cannot be read";
  EXPECT_THAT(store_->ChangeRun("runs/r1",
                                [](const RunView& v) -> absl::StatusOr<RunChange> {
                                  return RunChange{v.run, {}, {}};
                                }),
              IsOk());
}

TEST_F(PostgresRowsTest, AReportReplacesADatabaseThatCannotBeRead) {
  Spoil("UPDATE databases SET data = '[]' WHERE name = 'agents/a1/databases/d'");
  AgentReport report;
  report.agent.set_name("agents/a1");
  report.databases.emplace_back().set_name("agents/a1/databases/d");
  EXPECT_THAT(store_->RecordAgentReport(report), IsOk());
  EXPECT_THAT(store_->GetDatabase("agents/a1/databases/d"), IsOk());
}

TEST_F(PostgresRowsTest, WhatIsPassedOverIsLoggedAsAnError) {
  const backup::testing::TempDir directory;
  LogOptions options;
  options.file = directory.File("log");
  ASSERT_THAT(InitLog(options), IsOk());
  Spoil("UPDATE runs SET kind = E'BA\\nNANA' WHERE name = 'runs/r1'");

  EXPECT_EQ(store_->ListRuns({}, {})->items.size(), 1u);

  ASSERT_THAT(InitLog({}), IsOk());
  const absl::StatusOr<std::string> log = ReadFile(directory.File("log"));
  ASSERT_THAT(log, IsOk());
  EXPECT_THAT(*log, HasSubstr("runs/r1"));
  EXPECT_THAT(*log, HasSubstr("error"));
}

}  // namespace
}  // namespace backup::server
