// SPDX-License-Identifier: Apache-2.0
// A catalog that goes away, comes back, refuses, or answers too late.
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/resource_name.h"
#include "server/store/catalog_url.h"
#include "server/store/connection_pool.h"
#include "server/store/postgres_store.h"
#include "tests/testing/matchers.h"
#include "tests/testing/mini_catalog.h"
#include "tests/testing/postgres_proxy.h"

namespace backup::server {
namespace {

using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::MiniCatalog;
using ::backup::testing::MiniPostgres;
using ::backup::testing::PostgresProxy;
using ::testing::HasSubstr;
using ::testing::Not;

const absl::Time kNow = absl::FromUnixSeconds(1795435200);

v1::Event SomeEvent() {
  v1::Event event;
  event.set_subject("runs/r1");
  event.set_type("T");
  return event;
}

// One call of each verb, as if all it names were there.
std::vector<std::pair<std::string, std::function<absl::Status(Store&)>>> EveryVerb() {
  const auto put_policy = [](const PolicyView&) -> absl::StatusOr<PolicyChange> { return PolicyChange(); };
  const auto same_run = [](const RunView& view) -> absl::StatusOr<RunChange> { return RunChange{view.run, {}, {}}; };
  v1::Run run;
  run.set_name("runs/r1");
  run.set_kind(v1::BACKUP);
  run.set_state(v1::PENDING);
  run.set_database("agents/db1/databases/orders");
  AgentReport report;
  report.agent.set_name("agents/db1");
  v1::Agent agent;
  agent.set_name("agents/db1");
  const std::string token(64, 'a');
  return {
      {"GetPolicy", [](Store& s) { return s.GetPolicy("policies/p").status(); }},
      {"ListPolicies", [](Store& s) { return s.ListPolicies({}).status(); }},
      {"ChangePolicy", [=](Store& s) { return s.ChangePolicy("policies/p", kNow, put_policy).status(); }},
      {"GetRun", [](Store& s) { return s.GetRun("runs/r1").status(); }},
      {"ReadPolicies", [](Store& s) { return s.ReadPolicies().status(); }},
      {"ChangePolicyPart",
       [](Store& s) {
         return s.ChangePolicyPart("policies/p", kNow, "", 10, [](const PolicyView&) { return PolicyChange(); })
             .status();
       }},
      {"CompactRuns", [](Store& s) { return s.CompactRuns(kNow, "", 10).status(); }},
      {"CompactEvents", [](Store& s) { return s.CompactEvents(kNow, "", 10).status(); }},
      {"ListRunCounts", [](Store& s) { return s.ListRunCounts("agents/a/databases/d", kNow, kNow).status(); }},
      {"ListRetentionViews", [](Store& s) { return s.ListRetentionViews(kNow, {}).status(); }},
      {"ListRuns", [](Store& s) { return s.ListRuns({}, {}).status(); }},
      {"CreateRun", [=](Store& s) { return s.CreateRun(run, "request", kNow, {}).status(); }},
      {"ChangeRun", [=](Store& s) { return s.ChangeRun("runs/r1", same_run).status(); }},
      {"ListRunsToAdvance", [](Store& s) { return s.ListRunsToAdvance(kNow, 10).status(); }},
      {"NextAdvanceTime", [](Store& s) { return s.NextAdvanceTime(kNow).status(); }},
      {"ListUnstartedRuns", [](Store& s) { return s.ListUnstartedRuns("agents/db1", kNow).status(); }},
      {"ListOpenRuns", [](Store& s) { return s.ListOpenRuns("agents/db1", kNow).status(); }},
      {"ReadPlaces", [](Store& s) { return s.ReadPlaces(kNow, 10).status(); }},
      {"MarkDelivered", [=](Store& s) { return s.MarkDelivered({run}); }},
      {"AppendRunLog", [](Store& s) { return s.AppendRunLog("runs/r1", {}).status(); }},
      {"ListRunLog", [](Store& s) { return s.ListRunLog("runs/r1", 0, 10).status(); }},
      {"GetBackup", [](Store& s) { return s.GetBackup("backups/20261123T120000Z-0123456789").status(); }},
      {"SetBackupHold",
       [](Store& s) { return s.SetBackupHold("backups/20261123T120000Z-0123456789", std::nullopt, {}).status(); }},
      {"ReadDatabaseBackups",
       [](Store& s) { return s.ReadDatabaseBackups("agents/db1/databases/orders", kNow).status(); }},
      {"ChangeDatabaseBackups",
       [](Store& s) {
         return s
             .ChangeDatabaseBackups("agents/db1/databases/orders", kNow,
                                    [](const DatabaseBackupsView&) { return DatabaseBackupsChange(); })
             .status();
       }},
      {"ListBackups", [](Store& s) { return s.ListBackups({}, {}).status(); }},
      {"CountSlots", [](Store& s) { return s.CountSlots("agents/db1/databases/orders", kNow, kNow).status(); }},
      {"ListPastBackups",
       [](Store& s) { return s.ListPastBackups("agents/db1/databases/orders", kNow, kNow, {}).status(); }},
      {"LastGoodBefore", [](Store& s) { return s.LastGoodBefore("agents/db1/databases/orders", kNow).status(); }},
      {"ListPastDrills",
       [](Store& s) { return s.ListPastDrills("agents/db1/databases/orders", kNow, kNow, 10).status(); }},
      {"GetAgent", [](Store& s) { return s.GetAgent("agents/db1").status(); }},
      {"ListAgents", [](Store& s) { return s.ListAgents({}).status(); }},
      {"GetDatabase", [](Store& s) { return s.GetDatabase("agents/db1/databases/orders").status(); }},
      {"ListDatabases", [](Store& s) { return s.ListDatabases("", {}).status(); }},
      {"RecordAgentReport", [=](Store& s) { return s.RecordAgentReport(report).status(); }},
      {"PutEnrollmentToken", [=](Store& s) { return s.PutEnrollmentToken(token, "agents/db1", kNow, {}); }},
      {"FindEnrollmentToken", [=](Store& s) { return s.FindEnrollmentToken(token, kNow).status(); }},
      {"UseEnrollmentToken", [=](Store& s) { return s.UseEnrollmentToken(token, kNow, agent, {}); }},
      {"ReadFleetStatus", [](Store& s) { return s.ReadFleetStatus(kNow, {}).status(); }},
      {"ReadFleetPart", [](Store& s) { return s.ReadFleetPart(kNow, {}).status(); }},
      {"ListEvents", [](Store& s) { return s.ListEvents("", {}).status(); }},
      {"AppendEvents", [](Store& s) { return s.AppendEvents({SomeEvent()}); }},
      {"Ping", [](Store& s) { return s.Ping(); }},
  };
}

class PostgresOutageTest : public ::testing::Test {
 protected:
  void SetUp() override {
    absl::StatusOr<std::unique_ptr<MiniCatalog>> catalog = MiniCatalog::Create();
    ASSERT_THAT(catalog, IsOk());
    catalog_ = *std::move(catalog);
    store_ = Open(catalog_->url());
  }
  static std::unique_ptr<PostgresStore> Open(const std::string& url, int max_connections = 8) {
    PostgresStoreOptions options;
    options.url = url;
    options.max_connections = max_connections;
    options.acquire_timeout = absl::Milliseconds(200);
    options.max_doubt = absl::Seconds(5);
    absl::StatusOr<std::unique_ptr<PostgresStore>> store = PostgresStore::Create(options);
    EXPECT_THAT(store, IsOk());
    return store.ok() ? *std::move(store) : nullptr;
  }
  // A store that talks to the catalog through a proxy.
  void OpenThroughProxy() {
    MiniPostgres& cluster = catalog_->cluster();
    absl::StatusOr<std::unique_ptr<PostgresProxy>> proxy =
        PostgresProxy::Start(cluster.socket_directory(), cluster.port());
    ASSERT_THAT(proxy, IsOk());
    proxy_ = *std::move(proxy);
    store_ = Open(absl::StrCat("postgresql://postgres@/", catalog_->name(), "?host=", proxy_->socket_directory(),
                               "&port=", cluster.port()));
    ASSERT_THAT(store_->Ping(), IsOk());
  }
  size_t EventCount() { return store_->ListEvents("", {1000, ""})->items.size(); }

  std::unique_ptr<MiniCatalog> catalog_;
  std::unique_ptr<PostgresProxy> proxy_;
  std::unique_ptr<PostgresStore> store_;
};

TEST_F(PostgresOutageTest, EveryVerbSaysThatTheCatalogIsAwayAndWorksAgainWhenItIsBack) {
  ASSERT_THAT(store_->Ping(), IsOk());
  ASSERT_THAT(catalog_->cluster().Stop(), IsOk());

  for (const auto& [name, verb] : EveryVerb()) {
    EXPECT_THAT(verb(*store_), HasReason("CATALOG_UNAVAILABLE")) << name;
  }

  ASSERT_THAT(catalog_->cluster().Start(), IsOk());
  for (const auto& [name, verb] : EveryVerb()) {
    EXPECT_NE(verb(*store_).code(), absl::StatusCode::kUnavailable) << name;
  }
}

TEST_F(PostgresOutageTest, TheFirstVerbAfterARestartWorks) {
  for (const auto mode : {MiniPostgres::StopMode::kFast, MiniPostgres::StopMode::kImmediate}) {
    ASSERT_THAT(store_->AppendEvents({SomeEvent()}), IsOk());
    ASSERT_THAT(catalog_->cluster().Restart(mode), IsOk());
    EXPECT_THAT(store_->AppendEvents({SomeEvent()}), IsOk());
  }
}

// The test's server has synchronous_commit off.
TEST_F(PostgresOutageTest, WhatIsCommittedIsOnDiskWhateverTheServerSays) {
  const auto setting = [this] {
    const absl::StatusOr<std::string> conninfo = CatalogConninfo(catalog_->url());
    EXPECT_THAT(conninfo, IsOk());
    auto connected = ConnectToCatalog(*conninfo);
    EXPECT_THAT(connected, IsOk());
    pqxx::nontransaction session((*connected)->connection);
    return std::string(session.exec("SHOW synchronous_commit")[0][0].c_str());
  };
  ASSERT_EQ(catalog_->Query("SHOW synchronous_commit").value_or("?"), "off");
  EXPECT_EQ(setting(), "on");
  ASSERT_THAT(catalog_->Execute(absl::StrCat("ALTER DATABASE ", catalog_->name(), " SET synchronous_commit = local")),
              IsOk());
  catalog_->SetSpoiled();
  EXPECT_EQ(setting(), "local") << "somebody chose it";
}

TEST_F(PostgresOutageTest, ASessionEndedMidTransactionIsTriedAgain) {
  int calls = 0;
  const absl::StatusOr<v1::Policy> result =
      store_->ChangePolicy("policies/p", kNow, [&](const PolicyView&) -> absl::StatusOr<PolicyChange> {
        if (++calls == 1) {
          EXPECT_THAT(catalog_->Execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                                        "WHERE datname = current_database() AND pid <> pg_backend_pid()"),
                      IsOk());
        }
        PolicyChange change;
        change.events = {SomeEvent()};
        return change;
      });
  EXPECT_THAT(result, IsOk());
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(EventCount(), 1u);
}

TEST_F(PostgresOutageTest, ACommitWhoseAnswerWasLostIsFoundDoneOnce) {
  OpenThroughProxy();
  proxy_->LoseNextCommit(PostgresProxy::Loss::kAnswer);
  EXPECT_THAT(store_->AppendEvents({SomeEvent()}), IsOk());
  EXPECT_EQ(proxy_->cut_count(), 1);
  EXPECT_EQ(EventCount(), 1u);
}

TEST_F(PostgresOutageTest, ACommitThatNeverArrivedIsDoneOnce) {
  OpenThroughProxy();
  proxy_->LoseNextCommit(PostgresProxy::Loss::kRequest);
  EXPECT_THAT(store_->AppendEvents({SomeEvent()}), IsOk());
  EXPECT_EQ(proxy_->cut_count(), 1);
  EXPECT_EQ(EventCount(), 1u);
}

TEST_F(PostgresOutageTest, ALostAnswerAboutATokenStillHasItsWinner) {
  OpenThroughProxy();
  const std::string token(64, 'a');
  v1::Agent agent;
  agent.set_name("agents/db1");
  ASSERT_THAT(store_->PutEnrollmentToken(token, agent.name(), kNow + absl::Hours(1), {}), IsOk());
  proxy_->LoseNextCommit(PostgresProxy::Loss::kAnswer);
  EXPECT_THAT(store_->UseEnrollmentToken(token, kNow, agent, {}), IsOk());
  EXPECT_THAT(store_->UseEnrollmentToken(token, kNow, agent, {}), HasReason("ENROLLMENT_TOKEN_INVALID"));
}

TEST_F(PostgresOutageTest, ALostAnswerThatNobodyCanExplainIsUnavailable) {
  OpenThroughProxy();
  proxy_->SetRefusing(false, /*after_cut=*/true);
  proxy_->LoseNextCommit(PostgresProxy::Loss::kAnswer);
  EXPECT_THAT(store_->AppendEvents({SomeEvent()}), HasReason("CATALOG_UNAVAILABLE"));
  proxy_->SetRefusing(false);
  EXPECT_EQ(EventCount(), 1u);
}

TEST_F(PostgresOutageTest, ConflictsAreTriedAgainAFewTimes) {
  catalog_->SetSpoiled();
  ASSERT_THAT(
      catalog_->Execute("CREATE SEQUENCE tries; "
                        "CREATE FUNCTION conflict() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                        "IF nextval('backupctl.tries') <= 3 THEN RAISE EXCEPTION 'conflict' USING ERRCODE = '40001'; "
                        "END IF; RETURN NEW; END $$; "
                        "CREATE TRIGGER conflict BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION conflict()"),
      IsOk());
  EXPECT_THAT(store_->AppendEvents({SomeEvent()}), IsOk());
  EXPECT_EQ(EventCount(), 1u);

  ASSERT_THAT(catalog_->Execute("ALTER SEQUENCE tries MINVALUE -1000000 RESTART -1000000"), IsOk());
  EXPECT_THAT(store_->AppendEvents({SomeEvent()}), HasReason("CATALOG_UNAVAILABLE"));
  EXPECT_EQ(EventCount(), 1u);
}

TEST_F(PostgresOutageTest, AFullDiskIsUnavailableAndHasNoEffect) {
  catalog_->SetSpoiled();
  ASSERT_THAT(
      catalog_->Execute("CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                        "RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$; "
                        "CREATE TRIGGER full_disk BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION full_disk()"),
      IsOk());
  const absl::Status status = store_->AppendEvents({SomeEvent()});
  EXPECT_THAT(status, HasReason("CATALOG_UNAVAILABLE"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("could not extend file"));
  EXPECT_EQ(EventCount(), 0u);
}

TEST_F(PostgresOutageTest, AReadOnlyCatalogCanBeReadAndIsUnavailableForWriting) {
  catalog_->SetSpoiled();
  ASSERT_THAT(
      catalog_->Execute(absl::StrCat("ALTER DATABASE ", catalog_->name(), " SET default_transaction_read_only = on")),
      IsOk());
  // A session that begins now has the setting.
  store_ = Open(catalog_->url());
  EXPECT_THAT(store_->ListEvents("", {}), IsOk());
  EXPECT_THAT(store_->AppendEvents({SomeEvent()}), HasReason("CATALOG_UNAVAILABLE"));
}

TEST_F(PostgresOutageTest, WhenAllConnectionsAreInUseTheWaitIsBounded) {
  store_ = Open(catalog_->url(), /*max_connections=*/1);
  absl::Status inner;
  EXPECT_THAT(store_->ChangePolicy("policies/p", kNow,
                                   [&](const PolicyView&) -> absl::StatusOr<PolicyChange> {
                                     inner = store_->Ping();
                                     return PolicyChange();
                                   }),
              IsOk());
  EXPECT_THAT(inner, HasReason("CATALOG_UNAVAILABLE"));
  EXPECT_THAT(store_->Ping(), IsOk());
}

TEST_F(PostgresOutageTest, AfterStopEveryVerbIsUnavailable) {
  store_->Stop();
  store_->Stop();
  EXPECT_THAT(store_->Ping(), HasReason("CATALOG_UNAVAILABLE"));
}

TEST_F(PostgresOutageTest, ACatalogWithoutSchemaIsAnErrorThatDoesNotPass) {
  absl::StatusOr<std::unique_ptr<MiniCatalog>> empty = MiniCatalog::CreateEmpty();
  ASSERT_THAT(empty, IsOk());
  store_ = Open((*empty)->url());
  EXPECT_THAT(store_->Ping(), HasReason("CATALOG_ERROR"));
  store_ = Open(catalog_->url());
}

TEST(PostgresPasswordTest, IsInNoErrorAndInNoApplicationName) {
  backup::testing::MiniPostgresOptions options;
  options.tcp = true;
  absl::StatusOr<std::unique_ptr<MiniPostgres>> cluster = MiniPostgres::Create(options);
  ASSERT_THAT(cluster, IsOk());
  ASSERT_THAT((*cluster)->Execute("CREATE ROLE app LOGIN PASSWORD 'the right one'"), IsOk());
  const std::string canary = "c4n4ry'\\ x";
  PostgresStoreOptions store_options;
  store_options.url = (*cluster)->TcpUrl("postgres", "app", canary);
  absl::StatusOr<std::unique_ptr<PostgresStore>> store = PostgresStore::Create(store_options);
  ASSERT_THAT(store, IsOk());

  const absl::Status refused = (*store)->Ping();
  ASSERT_THAT((*cluster)->Stop(), IsOk());
  const absl::Status away = (*store)->Ping();

  EXPECT_THAT(refused, HasReason("CATALOG_UNAVAILABLE"));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("password authentication failed"));
  for (const absl::Status& status : {refused, away}) EXPECT_THAT(status.ToString(), Not(HasSubstr("c4n4ry")));

  ASSERT_THAT((*cluster)->Start(), IsOk());
  store_options.url = (*cluster)->TcpUrl("postgres", "app", "the right one");
  store = PostgresStore::Create(store_options);
  EXPECT_THAT((*store)->Ping(), HasReason("CATALOG_ERROR")) << "logged in; there is no schema";
}

}  // namespace
}  // namespace backup::server
