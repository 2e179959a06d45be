// SPDX-License-Identifier: Apache-2.0
// Restores as runs of the fleet: planned, done to a server that the agent's own file names, and to no other.
#include "base/resource_name.h"
#include "tests/system/fleet_story.h"
#include "tests/system/test_data.h"

namespace backup::testing {
namespace {

using ::testing::HasSubstr;

constexpr char kDatabase[] = "agents/db1/databases/app";

class RestoreStory : public FleetStory {
 protected:
  void SetUp() override {
    FleetStory::SetUp();
    ASSERT_THAT(server_->Execute("CREATE DATABASE app"), IsOk());
    ASSERT_THAT(
        server_->Execute("CREATE ROLE app_owner;"
                         "CREATE TABLE orders AS SELECT i, 'order ' || i AS name FROM generate_series(1, 500) i;"
                         "ALTER TABLE orders ADD PRIMARY KEY (i); ALTER TABLE orders OWNER TO app_owner;"
                         "CREATE TABLE notes AS SELECT generate_series(1, 7) AS i",
                         "app"),
        IsOk());
    MiniAgentOptions options;
    options.databases.push_back({.id = "", .url = server_->Url("app"), .password = ""});
    options.restore_targets.push_back({.id = "standby", .url = server_->Url("postgres"), .password = ""});
    agent_ = AddAgent(options);
    ASSERT_NE(agent_, nullptr);
    ASSERT_THAT(fleet_->AwaitDatabase("db1", "app"), IsOk());
    backup_ = Backup(kDatabase);
  }
  CommandResult Restore(const std::string& verb, const std::vector<std::string>& flags) {
    std::vector<std::string> arguments = {"restore", verb, backup_.backup()};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    return fleet_->Ctl(arguments, "", absl::Minutes(2));
  }
  std::string Rows(const std::string& table, const std::string& database) {
    return server_->Query("SELECT count(*) FROM " + table, database).value_or("?");
  }

  MiniAgent* agent_ = nullptr;
  v1::Run backup_;
};

TEST_F(RestoreStory, APlannedRestoreIsThenDone) {
  const CommandResult plan = Restore("plan", {"--as", "app_restored"});
  EXPECT_EQ(plan.exit_code, 0) << plan.err;
  EXPECT_THAT(plan.out, HasSubstr("2 tables, 507 rows"));
  EXPECT_THAT(plan.out, HasSubstr("nothing that can be seen"));
  EXPECT_EQ(Rows("orders", "app_restored"), "?");

  const CommandResult run = Restore("run", {"--as", "app_restored", "--target", "standby", "--prove", "--wait"});

  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("contents compared"));
  const auto original = DumpOf(*server_, "app");
  const auto restored = DumpOf(*server_, "app_restored");
  ASSERT_TRUE(original.ok() && restored.ok());
  EXPECT_EQ(WithoutKeys(*restored), WithoutKeys(*original));
}

TEST_F(RestoreStory, WhatIsInTheWayIsSaidBeforeAndRefusedThen) {
  ASSERT_THAT(server_->Execute("ALTER ROLE app_owner RENAME TO app_owner_gone"), IsOk());

  const CommandResult plan = Restore("plan", {"--as", "app"});
  EXPECT_EQ(plan.exit_code, 6) << plan.out << plan.err;
  EXPECT_THAT(plan.out, HasSubstr("there is a database \"app\" already"));
  EXPECT_THAT(plan.out, HasSubstr("app_owner"));

  const CommandResult run = Restore("run", {"--as", "app", "--wait"});
  EXPECT_EQ(run.exit_code, 6) << run.out << run.err;
  EXPECT_THAT(run.err, HasSubstr("reason: RESTORE_REFUSED"));
  EXPECT_EQ(Rows("orders", "app"), "500");

  EXPECT_EQ(Restore("run", {"--as", "app_restored", "--create-roles", "--wait"}).exit_code, 0);
  EXPECT_EQ(Rows("orders", "app_restored"), "500");
}

TEST_F(RestoreStory, OneTableComesWithoutTheRowsOfOthers) {
  EXPECT_EQ(Restore("run", {"--as", "only_notes", "--table", "public.notes", "--wait"}).exit_code, 0);
  EXPECT_EQ(Rows("notes", "only_notes"), "7");
  EXPECT_EQ(Rows("orders", "only_notes"), "0");

  const CommandResult unknown = Restore("run", {"--as", "none", "--table", "public.nothing", "--wait"});
  EXPECT_EQ(unknown.exit_code, 3);
  EXPECT_THAT(unknown.err, HasSubstr("reason: TABLE_NOT_FOUND"));
}

TEST_F(RestoreStory, ATableComesBackBesideTheLiveOne) {
  ASSERT_THAT(server_->Execute("DELETE FROM orders WHERE i > 3; UPDATE orders SET name = 'spoilt'", "app"), IsOk());
  const CommandResult plan = Restore("plan", {"--into", "app", "--into-schema", "monday", "--table", "public.orders"});
  EXPECT_EQ(plan.exit_code, 0) << plan.out << plan.err;
  EXPECT_THAT(plan.out, HasSubstr("new schema \"monday\" in database \"app\" on standby"));

  const CommandResult run =
      Restore("run", {"--into", "app", "--into-schema", "monday", "--table", "public.orders", "--prove", "--wait"});

  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(Rows("monday.orders WHERE name = 'order ' || i", "app"), "500");
  EXPECT_EQ(Rows("public.orders WHERE name = 'spoilt'", "app"), "3");
  EXPECT_EQ(Rows("pg_tables WHERE schemaname = 'monday'", "app"), "1");
}

TEST_F(RestoreStory, NoOtherServerIsRestoredTo) {
  const CommandResult run = Restore("run", {"--as", "app_restored", "--target", "production"});
  EXPECT_EQ(run.exit_code, 6) << run.out << run.err;
  EXPECT_THAT(run.err, HasSubstr("reason: RESTORE_TARGET_UNKNOWN"));
  EXPECT_THAT(run.err, HasSubstr("standby"));
}

}  // namespace
}  // namespace backup::testing
