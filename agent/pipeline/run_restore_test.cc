// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "agent/pipeline/gzi_index.h"
#include "agent/pipeline/job.h"
#include "agent/pipeline/testing/backup_fixture.h"
#include "agent/pipeline/testing/rich_schema.h"
#include "agent/pipeline/testing/sample_artifact.h"
#include "base/child_process.h"
#include "base/errors.h"
#include "tests/testing/matchers.h"

namespace backup::agent {
namespace {

using agent::testing::BackupFixture;
using agent::testing::ForgeManifest;
using agent::testing::QuoteIdentifier;
using agent::testing::RichSchema;
using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::MiniPostgres;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A table that is worth a stream of its own, with what is built after the rows, and another that refers to it.
constexpr char kLargeTables[] = R"sql(
CREATE TABLE large (id integer PRIMARY KEY, code text UNIQUE, t text);
INSERT INTO large SELECT i, 'c' || i, repeat(md5(i::text), 8) FROM generate_series(1, 20000) i;
CREATE INDEX by_t ON large (t);
COMMENT ON INDEX by_t IS 'found by text';
CREATE TABLE referring (id serial PRIMARY KEY, large_id integer REFERENCES large, text text);
INSERT INTO referring (large_id, text) SELECT i, repeat(md5(i::text), 16) FROM generate_series(1, 10000) i;
CREATE INDEX by_large ON referring (large_id);
ALTER TABLE referring CLUSTER ON by_large;
SELECT lo_from_bytea(4711, decode(repeat('00ff5c27', 20000), 'hex'));
COMMENT ON LARGE OBJECT 4711 IS 'kept outside';
)sql";

class RunRestoreTest : public BackupFixture {
 protected:
  // Once for this suite and for those that derive from it.
  static void SetUpTestSuite() {
    [[maybe_unused]] static const bool made = [] {
      CreateDatabase("origin", absl::StrCat(RichSchema(), kLargeTables));
      CreateDatabase("small", "CREATE TABLE t (x integer PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 100)");
      return true;
    }();
  }

  BackupOutcome Backup(const std::string& database, int jobs = 1, v1::Codec codec = v1::GZIP) {
    BackupRequest request = Request(database);
    request.dump.set_jobs(jobs);
    request.dump.set_compression(codec);
    auto outcome = Run(request);
    EXPECT_THAT(outcome, IsOk());
    return *std::move(outcome);
  }

  RestoreRequest ToNew(const std::string& artifact, const std::string& name) {
    RestoreRequest request;
    request.artifact_directory = artifact;
    request.server = Request("postgres").target;
    request.create_database = name;
    request.jobs = 3;
    request.prove = true;
    return request;
  }

  absl::StatusOr<RestoreOutcome> Restore(const RestoreRequest& request) {
    return RunRestore(request, Clock::Real(), observer_, cancellation_);
  }

  // What pg_dump says of a database, without the key that is another each time.
  static std::string DumpOf(const std::string& database) {
    ChildOptions options;
    options.argv = {Server().bindir() + "/pg_dump", "--no-password", "-d", Server().Url(database)};
    options.environment = {{"PATH", "/usr/bin:/bin"}, {"LC_ALL", "C"}};
    auto dump = RunAndCollect(options, absl::Seconds(60), size_t{256} << 20);
    EXPECT_THAT(dump, IsOk());
    std::string text;
    for (const absl::string_view line : absl::StrSplit(dump.value_or(""), '\n')) {
      if (!absl::StartsWith(line, "\\restrict ") && !absl::StartsWith(line, "\\unrestrict ")) {
        absl::StrAppend(&text, line, "\n");
      }
    }
    return text;
  }

  static std::string Databases() {
    return Server()
        .Query("SELECT string_agg(datname, ',' ORDER BY datname) FROM pg_database WHERE NOT datistemplate")
        .value_or("?");
  }
};

struct RestoreManner {
  const char* name;
  int dump_jobs;
  int restore_jobs;
  v1::Codec codec;
};

class RestoreMannerTest : public RunRestoreTest, public ::testing::WithParamInterface<RestoreManner> {};

TEST_P(RestoreMannerTest, TheRestoredDatabaseIsTheOneThatPsqlWouldMake) {
  const BackupOutcome backup = Backup("origin", GetParam().dump_jobs, GetParam().codec);
  RestoreRequest request = ToNew(backup.path, "ours");
  request.jobs = GetParam().restore_jobs;

  const auto outcome = Restore(request);

  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(outcome->database, "ours");
  ASSERT_THAT(Server().Execute("CREATE DATABASE theirs TEMPLATE template0"), IsOk());
  ChildOptions psql;
  psql.argv = {"/bin/sh",
               "-c",
               absl::StrCat(Server().bindir(), "/pg_dump -d \"$1\" | ", Server().bindir(), "/psql -X -q -d \"$2\""),
               "sh",
               Server().Url("origin"),
               Server().Url("theirs")};
  psql.environment = {{"PATH", "/usr/bin:/bin"}, {"LC_ALL", "C"}};
  ASSERT_THAT(RunAndCollect(psql, absl::Seconds(60)), IsOk());
  EXPECT_TRUE(DumpOf("ours") == DumpOf("theirs")) << "the restored database differs";
  Drop("ours");
  Drop("theirs");
}

INSTANTIATE_TEST_SUITE_P(Manners, RestoreMannerTest,
                         ::testing::Values(RestoreManner{"OneAfterTheOther", 1, 1, v1::GZIP},
                                           RestoreManner{"SideBySide", 1, 4, v1::GZIP},
                                           RestoreManner{"OfManyStreams", 3, 3, v1::GZIP},
                                           RestoreManner{"OfZstd", 2, 2, v1::ZSTD},
                                           RestoreManner{"Plain", 1, 2, v1::NONE}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_F(RunRestoreTest, ADamagedArtifactIsRefusedBeforeAnythingIsMade) {
  const BackupOutcome backup = Backup("small");
  std::fstream(backup.path + "/dump.sql.gz", std::ios::in | std::ios::out | std::ios::binary).seekp(40).put('x');
  const std::string before = Databases();

  EXPECT_THAT(Restore(ToNew(backup.path, "never")), HasReason("CORRUPT"));

  EXPECT_EQ(Databases(), before);
}

TEST_F(RunRestoreTest, AnotherManifestThanTheCatalogKnowsIsRefused) {
  RestoreRequest request = ToNew(Backup("small").path, "never");
  request.manifest_sha256 = std::string(64, '0');
  EXPECT_THAT(Restore(request), HasReason("CORRUPT"));
}

TEST_F(RunRestoreTest, OneTableComesWithItsIndexesAndTheOthersAreEmpty) {
  CreateDatabase("shop", R"sql(
      CREATE TYPE mood AS ENUM ('sad', 'glad');
      CREATE TABLE customers (id integer PRIMARY KEY, mood mood);
      CREATE TABLE orders (id integer PRIMARY KEY, customer integer REFERENCES customers, of integer REFERENCES orders);
      CREATE INDEX by_customer ON orders (customer);
      CREATE TABLE lines (id integer PRIMARY KEY, "order" integer REFERENCES orders);
      COMMENT ON CONSTRAINT orders_customer_fkey ON orders IS 'who pays';
      CREATE MATERIALIZED VIEW busy AS SELECT customer FROM orders;
      INSERT INTO customers SELECT i, 'glad' FROM generate_series(1, 50) i;
      INSERT INTO orders SELECT i, i % 50 + 1, i FROM generate_series(1, 1000) i;
      INSERT INTO lines SELECT i, i FROM generate_series(1, 1000) i;
      REFRESH MATERIALIZED VIEW busy)sql");
  RestoreRequest request = ToNew(Backup("shop").path, "one");
  request.tables = {"public.orders"};

  const auto outcome = Restore(request);

  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(outcome->table_count, 1);
  EXPECT_EQ(outcome->row_count, 1000);
  EXPECT_THAT(outcome->left_out, ElementsAre(HasSubstr("REFERENCES public.customers"),
                                             HasSubstr("COMMENT ON CONSTRAINT orders_customer_fkey"),
                                             HasSubstr("REFRESH MATERIALIZED VIEW public.busy")));
  EXPECT_EQ(Server()
                .Query("SELECT concat_ws(' ', (SELECT sum(id) FROM orders), (SELECT count(*) FROM customers), "
                       "(SELECT count(*) FROM lines), (SELECT count(*) FROM pg_indexes WHERE tablename = 'orders'), "
                       "(SELECT string_agg(conname, ',' ORDER BY conname) FROM pg_constraint WHERE contype = 'f'))",
                       "one")
                .value_or("?"),
            "500500 0 0 2 lines_order_fkey,orders_of_fkey");
  Drop("one");
  Drop("shop");
}

TEST_F(RunRestoreTest, DamageMattersToTheTableThatItIsInAndToNoOtherChoice) {
  const BackupOutcome backup = Backup("origin");
  const auto large =
      std::find_if(backup.manifest.tables().begin(), backup.manifest.tables().end(),
                   [](const v1::TableFacts& table) { return table.schema() == "public" && table.name() == "large"; });
  ASSERT_NE(large, backup.manifest.tables().end());
  std::stringstream index;
  index << std::ifstream(backup.path + "/dump.sql.gz.gzi", std::ios::binary).rdbuf();
  const auto members = ParseGziIndex(index.str());
  ASSERT_THAT(members, IsOk());
  const auto after =
      std::upper_bound(members->begin(), members->end(), large->plain_offset() + large->plain_bytes() / 2,
                       [](int64_t offset, const MemberOffset& member) { return offset < member.plain; });
  ASSERT_NE(after, members->end());
  std::fstream(backup.path + "/dump.sql.gz", std::ios::in | std::ios::out | std::ios::binary)
      .seekp(after->stored - 1000)
      .write("damaged", 7);
  const std::string before = Databases();

  RestoreRequest of_damaged = ToNew(backup.path, "never");
  of_damaged.tables = {"public.large"};
  EXPECT_THAT(Restore(of_damaged), HasReason("CORRUPT"));
  EXPECT_EQ(Databases(), before);
  EXPECT_THAT(PlanRestore(of_damaged, Clock::Real(), observer_, cancellation_), HasReason("CORRUPT"));

  RestoreRequest of_other = ToNew(backup.path, "other");
  of_other.tables = {"public.referring"};
  EXPECT_THAT(PlanRestore(of_other, Clock::Real(), observer_, cancellation_), IsOk());
  EXPECT_THAT(Restore(of_other), IsOk());
  EXPECT_EQ(Server().Query("SELECT count(*) FROM referring", "other").value_or("?"), "10000");
  Drop("other");
}

// Even where the choice would not need it: an index that is not that of the manifest may lie anywhere.
TEST_F(RunRestoreTest, AChoiceIsRefusedWhenTheIndexIsNotThatOfTheManifest) {
  const BackupOutcome backup = Backup("origin");
  const auto large = std::find_if(backup.manifest.tables().begin(), backup.manifest.tables().end(),
                                  [](const v1::TableFacts& table) { return table.name() == "large"; });
  ASSERT_NE(large, backup.manifest.tables().end());
  const std::string path = backup.path + "/dump.sql.gz.gzi";
  std::stringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  auto members = ParseGziIndex(text.str());
  ASSERT_THAT(members, IsOk());
  const auto within =
      std::upper_bound(members->begin(), members->end(), large->plain_offset() + (2 << 20),
                       [](int64_t offset, const MemberOffset& member) { return offset < member.plain; });
  ASSERT_NE(within, members->end());
  ++within->plain;
  std::ofstream(path, std::ios::binary) << FormatGziIndex(*members);
  RestoreRequest request = ToNew(backup.path, "never");
  request.tables = {"public.referring"};

  EXPECT_THAT(Restore(request), HasReason("CORRUPT"));
}

TEST_F(RunRestoreTest, TablespacesCanBeLeftOut) {
  ASSERT_THAT(Server().Execute("ALTER DATABASE postgres SET allow_in_place_tablespaces = on"), IsOk());
  ASSERT_THAT(Server().Execute("CREATE TABLESPACE elsewhere LOCATION ''"), IsOk());
  CreateDatabase("spaced",
                 "CREATE TABLE t (x integer PRIMARY KEY USING INDEX TABLESPACE elsewhere) TABLESPACE "
                 "elsewhere; CREATE INDEX i ON t (x) TABLESPACE elsewhere; INSERT INTO t VALUES (1)");
  const BackupOutcome backup = Backup("spaced");
  Drop("spaced");
  ASSERT_THAT(Server().Execute("DROP TABLESPACE elsewhere"), IsOk());
  RestoreRequest request = ToNew(backup.path, "gathered");
  EXPECT_FALSE(Restore(request).ok());

  request.ignore_tablespaces = true;

  EXPECT_THAT(Restore(request), IsOk());
  EXPECT_EQ(Server().Query("SELECT count(*) FROM pg_indexes WHERE tablename = 't'", "gathered").value_or("?"), "2");
  Drop("gathered");
}

TEST_F(RunRestoreTest, RowsThatAreNotThoseOfTheManifestAreNotRestoredByAChoice) {
  const BackupOutcome backup = Backup("small");
  const std::string before = Databases();
  ForgeManifest(backup.path, [](v1::Manifest* manifest) {
    std::string& hash = *manifest->mutable_tables(0)->mutable_content_hash();
    hash[0] = hash[0] == '0' ? '1' : '0';
  });
  RestoreRequest request = ToNew(backup.path, "never");
  request.prove = false;
  request.tables = {"public.t"};

  EXPECT_THAT(Restore(request), HasReason("CORRUPT"));

  EXPECT_EQ(Databases(), before);
}

TEST_F(RunRestoreTest, ATableThatTheBackupDoesNotHaveIsRefusedBeforeAnythingIsMade) {
  const BackupOutcome backup = Backup("small");
  const std::string before = Databases();
  RestoreRequest request = ToNew(backup.path, "never");
  request.tables = {"public.t", "public.missing"};

  const auto outcome = Restore(request);

  EXPECT_THAT(outcome, HasReason("TABLE_NOT_FOUND"));
  EXPECT_EQ(Databases(), before);
}

TEST_F(RunRestoreTest, ADatabaseThatIsThereIsNotTouched) {
  const BackupOutcome backup = Backup("small");
  const std::string before = DumpOf("origin");

  EXPECT_THAT(Restore(ToNew(backup.path, "origin")), HasReason("RESTORE_REFUSED"));
  RestoreRequest into = ToNew(backup.path, "");
  into.into_database = "origin";
  const auto refused = Restore(into);

  EXPECT_THAT(refused, HasReason("RESTORE_REFUSED"));
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("not empty"));
  EXPECT_EQ(DumpOf("origin"), before);
}

TEST_F(RunRestoreTest, WhatAKilledOrAnotherRestoreMakesIsLeftAloneAndTold) {
  const BackupOutcome backup = Backup("small");
  const std::string left = absl::StrCat("backupctl restoring ", backup.manifest.backup_id());
  CreateDatabase(left, "CREATE TABLE half (x integer)");

  const auto outcome = Restore(ToNew(backup.path, "never"));
  const auto plan = PlanRestore(ToNew(backup.path, "never"), Clock::Real(), observer_, cancellation_);

  EXPECT_THAT(outcome, HasReason("RESTORE_REFUSED"));
  EXPECT_THAT(std::string(outcome.status().message()), HasSubstr(left));
  ASSERT_THAT(plan, IsOk());
  EXPECT_THAT(plan->obstacles, ElementsAre(HasSubstr(left)));
  EXPECT_EQ(Server().Query("SELECT count(*) FROM half", left).value_or("?"), "0");
  Drop(left);
}

TEST_F(RunRestoreTest, AnEmptyDatabaseIsFilled) {
  const BackupOutcome backup = Backup("small");
  CreateDatabase("waiting");
  RestoreRequest request = ToNew(backup.path, "");
  request.into_database = "waiting";

  EXPECT_THAT(Restore(request), IsOk());

  EXPECT_EQ(Server().Query("SELECT count(*) FROM t", "waiting").value_or("?"), "100");
  Drop("waiting");
}

// The test's server has synchronous_commit off.
TEST_F(RunRestoreTest, WhatWasRestoredIsThereAfterTheServerCrashed) {
  const BackupOutcome backup = Backup("small");
  CreateDatabase("waiting");
  RestoreRequest into = ToNew(backup.path, "");
  into.into_database = "waiting";

  ASSERT_THAT(Restore(ToNew(backup.path, "crashed")), IsOk());
  ASSERT_THAT(Server().Stop(MiniPostgres::StopMode::kImmediate), IsOk());
  ASSERT_THAT(Server().Start(), IsOk());
  EXPECT_EQ(Server().Query("SELECT count(*) FROM t", "crashed").value_or("?"), "100");

  ASSERT_THAT(Restore(into), IsOk());
  ASSERT_THAT(Server().Stop(MiniPostgres::StopMode::kImmediate), IsOk());
  ASSERT_THAT(Server().Start(), IsOk());
  EXPECT_EQ(Server().Query("SELECT count(*) FROM t", "waiting").value_or("?"), "100");
  Drop("crashed");
  Drop("waiting");
}

TEST_F(RunRestoreTest, ARestoreThatFailsLeavesNoDatabase) {
  ASSERT_THAT(Server().Execute("CREATE ROLE passing"), IsOk());
  CreateDatabase("owned", "CREATE TABLE t (x integer); ALTER TABLE t OWNER TO passing");
  const BackupOutcome backup = Backup("owned");
  Drop("owned");
  ASSERT_THAT(Server().Execute("DROP ROLE passing"), IsOk());
  const std::string before = Databases();

  const auto outcome = Restore(ToNew(backup.path, "never"));

  EXPECT_THAT(outcome, HasReason("RESTORE_REFUSED"));
  EXPECT_THAT(std::string(outcome.status().message()), HasSubstr("passing"));
  EXPECT_THAT(ErrorHint(outcome.status()), HasSubstr("--create-roles"));
  EXPECT_EQ(Databases(), before);
}

TEST_F(RunRestoreTest, RolesThatTheServerLacksAreMadeOnRequestAndOthersNotChanged) {
  ASSERT_THAT(Server().Execute("CREATE ROLE lost_group; CREATE ROLE \"lost owner\" LOGIN CREATEDB IN ROLE lost_group; "
                               "ALTER ROLE \"lost owner\" SET work_mem = '7MB'; "
                               "CREATE ROLE kept LOGIN CONNECTION LIMIT 3"),
              IsOk());
  CreateDatabase("lost", "CREATE TABLE t (x integer); ALTER TABLE t OWNER TO \"lost owner\"");
  const BackupOutcome backup = Backup("lost");
  Drop("lost");
  ASSERT_THAT(Server().Execute("DROP ROLE \"lost owner\"; DROP ROLE lost_group; ALTER ROLE kept CONNECTION LIMIT 5"),
              IsOk());
  RestoreRequest request = ToNew(backup.path, "found");
  request.create_roles = true;

  ASSERT_THAT(Restore(request), IsOk());

  EXPECT_EQ(Server().Query("SELECT tableowner FROM pg_tables WHERE tablename = 't'", "found").value_or("?"),
            "lost owner");
  EXPECT_EQ(Server()
                .Query("SELECT concat_ws(' ', rolcanlogin, rolcreatedb, rolconfig, pg_has_role(oid, 'lost_group', "
                       "'MEMBER')) FROM pg_roles WHERE rolname = 'lost owner'")
                .value_or("?"),
            "t t {work_mem=7MB} t");
  EXPECT_EQ(Server().Query("SELECT rolconnlimit FROM pg_roles WHERE rolname = 'kept'").value_or("?"), "5");
  Drop("found");
  EXPECT_THAT(Server().Execute("DROP ROLE \"lost owner\"; DROP ROLE lost_group; DROP ROLE kept"), IsOk());
}

TEST_F(RunRestoreTest, RolesCannotBeMadeFromABackupWithoutGlobals) {
  BackupRequest without = Request("small");
  without.dump.set_globals(false);
  const auto backup = Run(without);
  ASSERT_THAT(backup, IsOk());
  const std::string before = Databases();
  RestoreRequest request = ToNew(backup->path, "never");
  request.create_roles = true;

  EXPECT_THAT(Restore(request), HasReason("RESTORE_REFUSED"));

  EXPECT_EQ(Databases(), before);
}

TEST_F(RunRestoreTest, ACancelledRestoreLeavesNoDatabase) {
  const BackupOutcome backup = Backup("origin");
  const std::string before = Databases();
  cancellation_.Cancel("not now");

  EXPECT_THAT(Restore(ToNew(backup.path, "never")), HasReason("CANCELLED_BY_USER"));

  EXPECT_EQ(Databases(), before);
}

}  // namespace
}  // namespace backup::agent
