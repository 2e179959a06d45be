// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "agent/pipeline/job.h"
#include "agent/pipeline/testing/backup_fixture.h"
#include "agent/pipeline/testing/directory.h"
#include "agent/pipeline/testing/rich_schema.h"
#include "tests/testing/matchers.h"

namespace backup::agent {
namespace {

using agent::testing::BackupFixture;
using agent::testing::NamesIn;
using agent::testing::RichSchema;
using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RunDrillTest : public BackupFixture {
 protected:
  static void SetUpTestSuite() {
    ASSERT_THAT(Server().Execute("CREATE ROLE drill_owner; CREATE ROLE drill_helper IN ROLE drill_owner"), IsOk());
    CreateDatabase("drilled", absl::StrCat(RichSchema(), "ALTER TABLE people OWNER TO drill_owner;"));
  }
  RunDrillTest() {
    // The server's user has to pass through when we are root.
    chmod(work_.path().c_str(), 0711);
  }

  DrillRequest Request(const BackupOutcome& backup) {
    DrillRequest request;
    request.artifact_directory = backup.path;
    request.manifest_sha256 = backup.manifest_sha256;
    request.work_directory = work_.path();
    request.pg_bindir = Server().bindir();
    request.jobs = 2;
    return request;
  }
  BackupOutcome Backup() {
    auto backup = Run(BackupFixture::Request("drilled"));
    EXPECT_THAT(backup, IsOk());
    return *std::move(backup);
  }
  absl::StatusOr<DrillOutcome> Drill(const DrillRequest& request) {
    return RunDrill(request, Clock::Real(), observer_, cancellation_);
  }

  backup::testing::TempDir work_;
};

TEST_F(RunDrillTest, AGoodBackupComesBackAndNothingIsLeft) {
  DrillRequest request = Request(Backup());
  request.assertions = {"SELECT count(*) = 1000 FROM public.people",
                        "SELECT pg_catalog.pg_get_userbyid(relowner) = 'drill_owner' FROM pg_catalog.pg_class"
                        " WHERE oid = 'public.people'::regclass"};

  const auto outcome = Drill(request);

  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(outcome->assertion_count, 2);
  EXPECT_GT(outcome->restore_duration, absl::ZeroDuration());
  EXPECT_GT(outcome->total_duration, outcome->restore_duration);
  EXPECT_THAT(NamesIn(work_.path()), IsEmpty());
}

TEST_F(RunDrillTest, SettingsOfTheOriginalDatabaseDoNotMakeItDiffer) {
  CreateDatabase(
      "elsewhere",
      "CREATE TABLE t (at timestamptz, length interval); INSERT INTO t VALUES ('2026-07-01 12:00Z', '1 day');"
      "ALTER DATABASE elsewhere SET timezone = 'America/New_York';"
      "ALTER DATABASE elsewhere SET intervalstyle = 'iso_8601'");
  const auto backup = Run(BackupFixture::Request("elsewhere"));
  ASSERT_THAT(backup, IsOk());

  EXPECT_THAT(Drill(Request(*backup)), IsOk());
}

TEST_F(RunDrillTest, WhatTheOriginSaysOfItsSuperuserDoesNotReachTheDrills) {
  ASSERT_THAT(Server().Execute("ALTER ROLE postgres SET default_transaction_read_only = on"), IsOk());
  const BackupOutcome backup = Backup();
  ASSERT_THAT(Server().Execute("BEGIN READ WRITE; ALTER ROLE postgres RESET ALL; COMMIT"), IsOk());

  EXPECT_THAT(Drill(Request(backup)), IsOk());
}

TEST_F(RunDrillTest, ABackupWithoutGlobalsCanBeTried) {
  CreateDatabase("without_globals", "CREATE TABLE t AS SELECT 1 AS x");
  BackupRequest wanted = BackupFixture::Request("without_globals");
  wanted.dump.set_globals(false);
  const auto backup = Run(wanted);
  ASSERT_THAT(backup, IsOk());

  EXPECT_THAT(Drill(Request(*backup)), IsOk());
}

TEST_F(RunDrillTest, AnAssertionThatDoesNotHoldIsNamed) {
  DrillRequest request = Request(Backup());
  for (const char* assertion :
       {"SELECT count(*) > 1000 FROM public.people", "SELECT NULL", "SELECT true WHERE false"}) {
    request.assertions = {assertion};
    const auto outcome = Drill(request);
    EXPECT_THAT(outcome, HasReason("ASSERTION_FAILED"));
    EXPECT_THAT(std::string(outcome.status().message()), HasSubstr(assertion));
  }
  for (const char* assertion : {"SELECT 1/0", "SELECT x FROM nowhere", "INSERT INTO public.people VALUES (1)"}) {
    request.assertions = {assertion};
    EXPECT_THAT(Drill(request), HasReason("ASSERTION_FAILED")) << assertion;
  }
  EXPECT_THAT(NamesIn(work_.path()), IsEmpty());
}

// They may come from the controller, which is not to run anything on the host.
TEST_F(RunDrillTest, AssertionsReadAndDoNothingElse) {
  DrillRequest request = Request(Backup());
  const std::string trace = work_.File("trace");
  for (const std::string& assertion : {absl::StrCat("COPY (SELECT true) TO PROGRAM 'touch ", trace, "'"),
                                       absl::StrCat("COPY (SELECT true) TO '", trace, "'"),
                                       std::string("SELECT length(pg_catalog.pg_read_file('postgresql.conf')) > 0"),
                                       std::string("DELETE FROM public.people RETURNING true"),
                                       std::string("RESET SESSION AUTHORIZATION; COPY (SELECT true) TO PROGRAM 'true'"),
                                       std::string("ALTER ROLE CURRENT_USER SUPERUSER")}) {
    request.assertions = {assertion};
    EXPECT_FALSE(Drill(request).ok()) << assertion;
    EXPECT_FALSE(std::filesystem::exists(trace)) << assertion;
  }
}

// Somebody changed rows and made every hash fit: only the catalog's hash of the manifest tells.
TEST_F(RunDrillTest, ATamperedArtifactWhoseHashesFitIsFoundByTheCatalogsHash) {
  const BackupOutcome good = Backup();
  ASSERT_THAT(Server().Execute("UPDATE people SET name = 'somebody else' WHERE id = 7", "drilled"), IsOk());
  const BackupOutcome changed = Backup();
  DrillRequest request = Request(changed);
  request.manifest_sha256 = good.manifest_sha256;

  EXPECT_THAT(Drill(request), HasReason("CORRUPT"));
}

TEST_F(RunDrillTest, WithoutItsWorkDirectoryItIsRefused) {
  DrillRequest request = Request(Backup());
  request.work_directory += "/nowhere";

  const auto outcome = Drill(request);

  EXPECT_THAT(outcome, HasReason("DRILL_REFUSED"));
  EXPECT_THAT(std::string(outcome.status().message()), HasSubstr("there is no directory"));
}

TEST_F(RunDrillTest, WithoutProgramsItIsRefused) {
  DrillRequest request = Request(Backup());
  request.pg_bindir = FakePrograms("exec $REAL \"$@\"");  // A client's installation: no initdb.

  EXPECT_THAT(Drill(request), HasReason("DRILL_REFUSED"));
  EXPECT_THAT(NamesIn(work_.path()), IsEmpty());
}

TEST_F(RunDrillTest, WhatAKilledDrillLeftIsRemovedByTheNextAndNothingElse) {
  const std::string abandoned = work_.File("backupctl-drill-abc123");
  std::filesystem::create_directories(abandoned + "/data");
  work_.Write("backupctl-drill-abc123/lock", "");
  const std::string foreign = work_.File("backupctl-drill-notes");
  std::filesystem::create_directories(foreign);

  EXPECT_THAT(Drill(Request(Backup())), IsOk());

  EXPECT_FALSE(std::filesystem::exists(abandoned));
  EXPECT_TRUE(std::filesystem::exists(foreign));
}

TEST_F(RunDrillTest, CanBeCancelled) {
  const BackupOutcome backup = Backup();
  cancellation_.Cancel("enough");
  EXPECT_THAT(Drill(Request(backup)), HasReason("CANCELLED_BY_USER"));
  EXPECT_THAT(NamesIn(work_.path()), IsEmpty());
}

}  // namespace
}  // namespace backup::agent
