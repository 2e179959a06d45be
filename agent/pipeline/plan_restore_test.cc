// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "agent/pipeline/job.h"
#include "agent/pipeline/roles_named.h"
#include "agent/pipeline/testing/backup_fixture.h"
#include "base/file.h"
#include "tests/testing/matchers.h"

namespace backup::agent {
namespace {

using agent::testing::BackupFixture;
using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(RolesNamedInTest, FindsWhoGetsSomething) {
  const std::set<std::string> roles = {"app", "Odd \"one\"", "reader"};
  EXPECT_THAT(RolesNamedIn("ALTER TABLE public.t OWNER TO app", roles), ElementsAre("app"));
  EXPECT_THAT(RolesNamedIn("ALTER TABLE public.t OWNER TO \"Odd \"\"one\"\"\"", roles), ElementsAre("Odd \"one\""));
  EXPECT_THAT(RolesNamedIn("GRANT SELECT ON TABLE public.t TO reader WITH GRANT OPTION", roles), ElementsAre("reader"));
  EXPECT_THAT(RolesNamedIn("REVOKE ALL ON TABLE public.t FROM app", roles), ElementsAre("app"));
  EXPECT_THAT(RolesNamedIn("CREATE POLICY p ON public.t TO app, reader USING (true)", roles),
              ElementsAre("app", "reader"));
  EXPECT_THAT(RolesNamedIn("ALTER DEFAULT PRIVILEGES FOR ROLE app IN SCHEMA s GRANT SELECT ON TABLES TO reader", roles),
              ElementsAre("app", "reader"));
}

TEST(RolesNamedInTest, TakesNoOtherWordForARole) {
  const std::set<std::string> roles = {"app"};
  EXPECT_THAT(RolesNamedIn("CREATE TABLE app (app text)", roles), IsEmpty());
  EXPECT_THAT(RolesNamedIn("ALTER TABLE app OWNER TO application", roles), IsEmpty());
  EXPECT_THAT(RolesNamedIn("COMMENT ON TABLE t IS 'belongs TO app'", roles), IsEmpty());
  EXPECT_THAT(RolesNamedIn("", roles), IsEmpty());
}

class PlanRestoreTest : public BackupFixture {
 protected:
  static void SetUpTestSuite() {
    ASSERT_THAT(Server().Execute("CREATE ROLE planned_owner; CREATE ROLE planned_bystander; "
                                 "CREATE ROLE planned_weak LOGIN"),
                IsOk());
    CreateDatabase("planned",
                   "CREATE TABLE t AS SELECT generate_series(1, 100) AS i; ALTER TABLE t OWNER TO planned_owner;"
                   "CREATE TABLE u AS SELECT generate_series(1, 10) AS i");
  }
  BackupOutcome Backup() {
    auto backup = Run(BackupFixture::Request("planned"));
    EXPECT_THAT(backup, IsOk());
    return *std::move(backup);
  }
  RestoreRequest ToNew(const BackupOutcome& backup, const std::string& name) {
    RestoreRequest request;
    request.artifact_directory = backup.path;
    request.server = {Server().Url("postgres"), ""};
    request.create_database = name;
    return request;
  }
  absl::StatusOr<RestorePlan> Plan(const RestoreRequest& request) {
    return PlanRestore(request, Clock::Real(), observer_, cancellation_);
  }
};

TEST_F(PlanRestoreTest, SaysWhatWouldComeBackAndChangesNothing) {
  const BackupOutcome backup = Backup();
  const std::string before =
      Server().Query("SELECT string_agg(datname, ',' ORDER BY datname) FROM pg_database").value_or("?");
  RestoreRequest request = ToNew(backup, "planned_restored");

  const auto plan = Plan(request);

  ASSERT_THAT(plan, IsOk());
  EXPECT_THAT(plan->obstacles, IsEmpty());
  EXPECT_EQ(plan->table_count, 2);
  EXPECT_EQ(plan->row_count, 110);
  EXPECT_GT(plan->plain_bytes, 110);
  EXPECT_EQ(Server().Query("SELECT string_agg(datname, ',' ORDER BY datname) FROM pg_database").value_or("?"), before);

  request.tables = {"public.u"};
  const auto one = Plan(request);
  ASSERT_THAT(one, IsOk());
  EXPECT_EQ(one->row_count, 10);
  EXPECT_LT(one->plain_bytes, plan->plain_bytes);
}

TEST_F(PlanRestoreTest, NamesEveryObstacleAtOnce) {
  const BackupOutcome backup = Backup();
  ASSERT_THAT(Server().Execute("ALTER ROLE planned_owner RENAME TO planned_gone;"
                               "ALTER ROLE planned_bystander RENAME TO planned_gone_too"),
              IsOk());
  RestoreRequest request = ToNew(backup, "planned");  // Taken.
  request.server.url = Server().Url("postgres", "planned_weak");

  const auto plan = Plan(request);

  ASSERT_THAT(plan, IsOk());
  EXPECT_THAT(plan->obstacles,
              ElementsAre(HasSubstr("there is a database \"planned\" already"),
                          AllOf(HasSubstr("\"planned_weak\" may not make databases"), HasSubstr("CREATEDB")),
                          AllOf(HasSubstr("lacks roles that the database uses: planned_owner"),
                                Not(HasSubstr("planned_bystander")))));
  EXPECT_THAT(Server().Execute("ALTER ROLE planned_gone RENAME TO planned_owner;"
                               "ALTER ROLE planned_gone_too RENAME TO planned_bystander"),
              IsOk());
}

TEST_F(PlanRestoreTest, ADamagedArtifactIsNoPlan) {
  const BackupOutcome backup = Backup();
  const std::string file = backup.path + "/dump.sql.gz";
  std::filesystem::resize_file(file, std::filesystem::file_size(file) - 1);

  EXPECT_THAT(Plan(ToNew(backup, "planned_restored")), HasReason("CORRUPT"));
}

TEST_F(PlanRestoreTest, AnUnknownTableIsNoPlan) {
  RestoreRequest request = ToNew(Backup(), "planned_restored");
  request.tables = {"public.none"};
  EXPECT_THAT(Plan(request), HasReason("TABLE_NOT_FOUND"));
}

}  // namespace
}  // namespace backup::agent
