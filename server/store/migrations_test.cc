// SPDX-License-Identifier: Apache-2.0
#include "server/store/migrations.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/store/catalog_url.h"
#include "tests/testing/matchers.h"
#include "tests/testing/mini_catalog.h"

namespace backup::server {
namespace {

using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::IsOkAndHolds;
using ::backup::testing::MiniCatalog;
using ::testing::HasSubstr;

class MigrationsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    absl::StatusOr<std::unique_ptr<MiniCatalog>> catalog = MiniCatalog::CreateEmpty();
    ASSERT_THAT(catalog, IsOk());
    catalog_ = *std::move(catalog);
  }
  std::unique_ptr<MiniCatalog> catalog_;
};

const std::vector<Migration> kSteps = {{1, "one", "CREATE TABLE a (i int); INSERT INTO a VALUES (1)"},
                                       {2, "two", "CREATE TABLE b (i int); UPDATE a SET i = i + 1"}};

TEST_F(MigrationsTest, VersionsCountFromOneWithoutGaps) {
  int expected = 0;
  for (const Migration& migration : AllMigrations()) {
    EXPECT_EQ(migration.version, ++expected);
    EXPECT_THAT(std::string(migration.sql), HasSubstr("SPDX"));
  }
  EXPECT_EQ(ProgramSchemaVersion(), expected);
}

TEST_F(MigrationsTest, BringsAnEmptyDatabaseToTheProgramsVersion) {
  EXPECT_THAT(SchemaVersion(catalog_->url()), IsOkAndHolds(0));
  EXPECT_THAT(ApplyMigrations(catalog_->url()), IsOk());
  EXPECT_THAT(SchemaVersion(catalog_->url()), IsOkAndHolds(ProgramSchemaVersion()));
  EXPECT_THAT(catalog_->Query("SELECT count(*) FROM backupctl.runs"), IsOkAndHolds(std::string("0")));
  EXPECT_THAT(catalog_->Query("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"),
              IsOkAndHolds(std::string("0")))
      << "all in a schema of our own";
}

TEST_F(MigrationsTest, TakesOnlyTheStepsThatAreMissing) {
  ASSERT_THAT(ApplyMigrations(catalog_->url(), absl::MakeSpan(kSteps).subspan(0, 1)), IsOk());
  EXPECT_THAT(SchemaVersion(catalog_->url()), IsOkAndHolds(1));
  ASSERT_THAT(ApplyMigrations(catalog_->url(), kSteps), IsOk());
  ASSERT_THAT(ApplyMigrations(catalog_->url(), kSteps), IsOk());
  EXPECT_THAT(catalog_->Query("SELECT i FROM a"), IsOkAndHolds(std::string("2")));
}

TEST_F(MigrationsTest, AStepThatFailsLeavesTheVersionBefore) {
  std::vector<Migration> steps = kSteps;
  steps.push_back({3, "three", "CREATE TABLE c (i int); INSERT INTO c VALUES (1); SELECT 1 / 0"});

  const absl::Status status = ApplyMigrations(catalog_->url(), steps);

  EXPECT_THAT(status, HasReason("CATALOG_ERROR"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("division by zero"));
  EXPECT_THAT(SchemaVersion(catalog_->url()), IsOkAndHolds(2));
  EXPECT_FALSE(catalog_->Query("SELECT * FROM c").ok());
  steps[2].sql = "CREATE TABLE c (i int)";
  EXPECT_THAT(ApplyMigrations(catalog_->url(), steps), IsOk());
}

TEST_F(MigrationsTest, RefusesACatalogThatIsAheadOfTheProgram) {
  ASSERT_THAT(ApplyMigrations(catalog_->url()), IsOk());
  ASSERT_THAT(catalog_->Execute("INSERT INTO schema_migrations VALUES (4711, 'later')"), IsOk());

  const absl::Status status = ApplyMigrations(catalog_->url());

  EXPECT_THAT(status, HasReason("CATALOG_TOO_NEW"));
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("4711"));
  EXPECT_THAT(std::string(status.message()), HasSubstr(absl::StrCat(ProgramSchemaVersion())));
  EXPECT_EQ(GetErrorInfos(status)[0].metadata().at("catalog_version"), "4711");
}

TEST_F(MigrationsTest, ProgramsThatStartAtOnceDoNotCollide) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this] { EXPECT_THAT(ApplyMigrations(catalog_->url(), kSteps), IsOk()); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(catalog_->Query("SELECT i FROM a"), IsOkAndHolds(std::string("2")));
}

TEST_F(MigrationsTest, ARoleWithoutRightsOnTheDatabaseWorksInASchemaMadeForIt) {
  catalog_->cluster().Execute("CREATE ROLE tenant LOGIN").IgnoreError();
  const std::string url = catalog_->cluster().Url(catalog_->name(), "tenant");
  EXPECT_THAT(ApplyMigrations(url), HasReason("CATALOG_ERROR"));

  ASSERT_THAT(catalog_->Execute("CREATE SCHEMA backupctl AUTHORIZATION tenant"), IsOk());

  EXPECT_THAT(ApplyMigrations(url), IsOk());
}

TEST_F(MigrationsTest, SaysWhenTheCatalogIsAway) {
  ASSERT_THAT(catalog_->cluster().Stop(), IsOk());
  EXPECT_THAT(ApplyMigrations(catalog_->url()), HasReason("CATALOG_UNAVAILABLE"));
  EXPECT_THAT(SchemaVersion(catalog_->url()), HasReason("CATALOG_UNAVAILABLE"));
  EXPECT_THAT(ApplyMigrations("no url at all"), HasReason("CATALOG_URL_INVALID"));
  ASSERT_THAT(catalog_->cluster().Start(), IsOk());
}

}  // namespace
}  // namespace backup::server
