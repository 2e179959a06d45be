// SPDX-License-Identifier: Apache-2.0
#include "base/resource_name.h"
#include "tests/store_contract.h"

namespace backup::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class AgentStoreTest : public StoreContractTest {
 protected:
  server::AgentReport Report(int64_t sequence, const std::vector<std::string>& databases,
                             const std::string& boot_id = "boot1") {
    server::AgentReport report;
    report.agent.set_name("agents/db1");
    report.agent.set_boot_id(boot_id);
    report.agent.set_version("1.2.3");
    report.sequence = sequence;
    for (const std::string& id : databases) {
      v1::Database database;
      database.set_name(MakeDatabaseName("db1", id));
      database.set_display_name(id);
      report.databases.push_back(database);
    }
    return report;
  }
  // Records it.
  absl::StatusOr<bool> DatabasesChanged(const server::AgentReport& report) {
    const absl::StatusOr<server::RecordedReport> recorded = store().RecordAgentReport(report);
    if (!recorded.ok()) return recorded.status();
    return recorded->databases_changed;
  }
  std::vector<std::string> Databases(const std::string& agent = "", int size = 100) {
    return NamesOf(AllPages<v1::Database>(
        size, [&](const server::PageRequest& page) { return store().ListDatabases(agent, page); }));
  }
};
INSTANTIATE_STORE_CONTRACT(AgentStoreTest);

TEST_P(AgentStoreTest, DoesNotFindWhatIsNotThere) {
  for (const std::string name : {"agents/none", "none", "", "agents/", "agents/A", "agents/\xff"}) {
    EXPECT_THAT(store().GetAgent(name), HasReason("AGENT_NOT_FOUND")) << name;
    server::AgentReport report;
    report.agent.set_name(name == "agents/\xff" ? "agents/~" : name);
    EXPECT_THAT(store().RecordAgentReport(report), HasReason("AGENT_NOT_FOUND")) << name;
  }
  for (const std::string name : {"agents/db1/databases/none", "agents/db1", "", "agents/db1/databases/%zz"}) {
    EXPECT_THAT(store().GetDatabase(name), HasReason("DATABASE_NOT_FOUND")) << name;
  }
}

TEST_P(AgentStoreTest, AReportIsGivenBackWithWhatEnrolmentKnew) {
  AddAgent("db1", {});
  server::AgentReport report = Report(1, {});
  report.agent.add_capabilities("backup");
  (*report.agent.mutable_labels())["env"] = "prod";
  report.agent.set_hostname("host \"1\"");
  *report.agent.mutable_clock_skew() = ToProto(-absl::Milliseconds(1500));
  *report.agent.mutable_last_seen_time() = ToProto(Now());
  report.agent.mutable_repository()->set_free_bytes(5);
  report.agent.set_slot_count(2);
  report.agent.set_state(v1::ONLINE);
  *report.agent.mutable_enroll_time() = ToProto(Now() + absl::Hours(1));

  ASSERT_THAT(store().RecordAgentReport(report), IsOk());

  v1::Agent expected = report.agent;
  expected.clear_state();
  *expected.mutable_enroll_time() = ToProto(Now() - absl::Hours(48));
  EXPECT_THAT(store().GetAgent("agents/db1"), IsOkAndHolds(EqualsProto(expected)));
}

TEST_P(AgentStoreTest, AnOlderReportOfTheSameBootIsPassedOver) {
  AddAgent("db1", {});
  ASSERT_THAT(DatabasesChanged(Report(5, {"a"})), IsOkAndHolds(true));

  EXPECT_THAT(DatabasesChanged(Report(4, {"b"})), IsOkAndHolds(false));
  EXPECT_THAT(Databases(), ElementsAre("agents/db1/databases/a"));
  EXPECT_THAT(DatabasesChanged(Report(5, {"a"})), IsOkAndHolds(false)) << "repeated";
  EXPECT_THAT(DatabasesChanged(Report(1, {"b"}, "boot2")), IsOkAndHolds(true)) << "it was started again";
  EXPECT_THAT(Databases(), ElementsAre("agents/db1/databases/b"));
  EXPECT_EQ(store().GetAgent("agents/db1")->boot_id(), "boot2");
}

TEST_P(AgentStoreTest, TellsWhetherAReportWasRecorded) {
  AddAgent("db1", {});
  server::AgentReport first = Report(3, {});
  *first.agent.mutable_last_seen_time() = ToProto(Now());
  server::AgentReport second = Report(4, {});
  *second.agent.mutable_last_seen_time() = ToProto(Now() + absl::Minutes(1));

  const auto recorded = store().RecordAgentReport(first);
  const auto recorded_again = store().RecordAgentReport(second);
  const auto passed_over = store().RecordAgentReport(first);

  ASSERT_THAT(recorded, IsOk());
  EXPECT_TRUE(recorded->recorded);
  ASSERT_THAT(recorded_again, IsOk());
  EXPECT_TRUE(recorded_again->recorded);
  ASSERT_THAT(passed_over, IsOk());
  EXPECT_FALSE(passed_over->recorded);
  EXPECT_EQ(ToAbsl(store().GetAgent("agents/db1")->last_seen_time()), Now() + absl::Minutes(1));
}

TEST_P(AgentStoreTest, TellsWhetherTheSetOrItsLabelsChanged) {
  AddAgent("db1", {});
  EXPECT_THAT(DatabasesChanged(Report(1, {"a", "b"})), IsOkAndHolds(true));
  EXPECT_THAT(DatabasesChanged(Report(2, {"b", "a"})), IsOkAndHolds(false));

  server::AgentReport bigger = Report(3, {"a", "b"});
  bigger.databases[0].set_size_bytes(77);
  EXPECT_THAT(DatabasesChanged(bigger), IsOkAndHolds(false));
  EXPECT_EQ(store().GetDatabase("agents/db1/databases/a")->size_bytes(), 77);

  server::AgentReport labelled = Report(4, {"a", "b"});
  (*labelled.databases[0].mutable_labels())["env"] = "prod";
  EXPECT_THAT(DatabasesChanged(labelled), IsOkAndHolds(true));
  EXPECT_THAT(DatabasesChanged(Report(5, {"b"})), IsOkAndHolds(true));
  EXPECT_THAT(store().GetDatabase("agents/db1/databases/a"), HasReason("DATABASE_NOT_FOUND"));
  EXPECT_THAT(DatabasesChanged(Report(6, {"b"})), IsOkAndHolds(false));
  EXPECT_THAT(DatabasesChanged(Report(7, {"a", "b"})), IsOkAndHolds(true)) << "it is back";
  EXPECT_THAT(store().GetDatabase("agents/db1/databases/a"), IsOk());
}

TEST_P(AgentStoreTest, RefusesDatabasesOfOthers) {
  AddAgent("db1", {});
  server::AgentReport report = Report(1, {"a"});
  report.databases[0].set_name("agents/db2/databases/a");
  EXPECT_THAT(store().RecordAgentReport(report), HasReason("INVALID_FIELD"));
  EXPECT_THAT(Databases(), IsEmpty());
}

TEST_P(AgentStoreTest, TheSameDatabaseTwiceIsOne) {
  AddAgent("db1", {});
  EXPECT_THAT(DatabasesChanged(Report(1, {"a", "a"})), IsOkAndHolds(true));
  EXPECT_THAT(Databases(), ElementsAre("agents/db1/databases/a"));
}

TEST_P(AgentStoreTest, OutputOnlyFieldsOfADatabaseComeFromTheCatalog) {
  AddAgent("db1", {"a", "b"});
  AddPolicy("nightly");
  AddPolicy("paused", /*paused=*/true);
  AddBackup(TestBackup(1, "agents/db1/databases/a"));
  AddBackup(TestBackup(2, "agents/db1/databases/a", v1::SUSPICIOUS));
  Plan("paused", {PlannedRun("r0", "paused", "a", absl::Hours(1))});
  v1::Run drill = PlannedRun("r3", "nightly", "a", absl::Hours(1));
  drill.set_kind(v1::DRILL);
  Plan("nightly",
       {PlannedRun("r2", "nightly", "a", absl::Hours(3)), PlannedRun("r1", "nightly", "a", absl::Hours(2)), drill});
  server::AgentReport report = Report(2, {"a", "b"});
  report.databases[0].set_last_good_backup("backups/forged");
  report.databases[0].add_policies("policies/forged");
  ASSERT_THAT(store().RecordAgentReport(report), IsOk());

  const absl::StatusOr<v1::Database> database = store().GetDatabase("agents/db1/databases/a");

  ASSERT_THAT(database, IsOk());
  EXPECT_EQ(database->last_good_backup(), TestBackup(1, "").name());
  EXPECT_THAT(database->last_good_time(), EqualsProto(ToProto(Now() + absl::Minutes(1))));
  EXPECT_THAT(database->next_slot_time(), EqualsProto(ToProto(Now() + absl::Hours(2))));
  EXPECT_THAT(database->policies(), IsEmpty());
  const v1::Database bare = *store().GetDatabase("agents/db1/databases/b");
  EXPECT_EQ(bare.last_good_backup(), "");
  EXPECT_FALSE(bare.has_last_good_time());
  EXPECT_FALSE(bare.has_next_slot_time());
}

TEST_P(AgentStoreTest, ListsByNameInPages) {
  AddAgent("db1", {"b", "a b", "A", "ä"});
  AddAgent("db1-x", {"z"});
  AddAgent("db0", {"y"});

  EXPECT_THAT(Databases("", 2),
              ElementsAre("agents/db0/databases/y", "agents/db1-x/databases/z", "agents/db1/databases/%C3%A4",
                          "agents/db1/databases/A", "agents/db1/databases/a%20b", "agents/db1/databases/b"));
  EXPECT_THAT(Databases("agents/db1", 3), ElementsAre("agents/db1/databases/%C3%A4", "agents/db1/databases/A",
                                                      "agents/db1/databases/a%20b", "agents/db1/databases/b"));
  EXPECT_THAT(Databases("agents/none"), IsEmpty());
  EXPECT_THAT(Databases("' OR true --"), IsEmpty());
  const std::vector<v1::Agent> agents =
      AllPages<v1::Agent>(2, [&](const server::PageRequest& page) { return store().ListAgents(page); });
  EXPECT_THAT(NamesOf(agents), ElementsAre("agents/db0", "agents/db1", "agents/db1-x"));
}

}  // namespace
}  // namespace backup::testing
