// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/database_properties.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>

#include "absl/strings/str_cat.h"
#include "agent/pipeline/conninfo.h"
#include "agent/pipeline/job.h"
#include "agent/pipeline/manifest_file.h"
#include "agent/pipeline/new_object.h"
#include "agent/pipeline/sha256_sums.h"
#include "agent/pipeline/testing/backup_fixture.h"
#include "base/x509.h"
#include "tests/testing/matchers.h"

namespace backup::agent {
namespace {

using agent::testing::BackupFixture;
using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::vector<std::string> SqlOf(const v1::DatabaseProperties& properties) {
  std::vector<std::string> sql;
  for (const PropertyStatement& statement : PropertyStatements(properties, "d\"b")) {
    sql.push_back(statement.sql);
  }
  return sql;
}

v1::DatabaseProperties WithSetting(const std::string& role, const std::string& name, const std::string& value) {
  v1::DatabaseProperties properties;
  v1::DatabaseSetting& setting = *properties.add_settings();
  setting.set_role(role);
  setting.set_name(name);
  setting.set_value(value);
  return properties;
}

TEST(PropertyStatementsTest, ASettingIsOneText) {
  EXPECT_THAT(SqlOf(WithSetting("", "work_mem", "7MB")),
              ElementsAre("ALTER DATABASE \"d\"\"b\" SET \"work_mem\" TO E'7MB'"));
  EXPECT_THAT(SqlOf(WithSetting("a\"b", "x.y", "it's, \\")),
              ElementsAre("ALTER ROLE \"a\"\"b\" IN DATABASE \"d\"\"b\" SET \"x.y\" TO E'it''s, \\\\'"));
}

TEST(PropertyStatementsTest, AListOfNamesIsAList) {
  EXPECT_THAT(SqlOf(WithSetting("", "search_path", "\"$user\", app , \"o\"\"dd\"")),
              ElementsAre(HasSubstr(" TO E'$user', E'app', E'o\"dd'")));
  EXPECT_THAT(SqlOf(WithSetting("", "search_path", "\"\"\"a\", b")), ElementsAre(HasSubstr(" TO E'\"a', E'b'")));
  EXPECT_THAT(SqlOf(WithSetting("", "search_path", "\"\"")), ElementsAre(HasSubstr(" TO E''")));
  EXPECT_THAT(SqlOf(WithSetting("", "search_path", "")), ElementsAre(HasSubstr(" TO E''")));
  EXPECT_THAT(SqlOf(WithSetting("", "search_path", "a\"; DROP")), ElementsAre(HasSubstr(" TO E'a\"; DROP'")));
}

TEST(PropertyStatementsTest, NoLabelTellsTheValueOfASetting) {
  for (const PropertyStatement& statement : PropertyStatements(WithSetting("", "app.key", "topsecret"), "d")) {
    EXPECT_EQ(statement.label, "setting app.key");
  }
}

TEST(PropertyStatementsTest, APrivilegeThatIsNoneIsNotObeyed) {
  v1::DatabaseProperties properties;
  properties.set_has_privileges(true);
  properties.add_privileges()->add_privileges("ALL ON SCHEMA x TO y; DROP");
  EXPECT_THAT(SqlOf(properties), ElementsAre(HasSubstr("REVOKE ALL")));
}

class DatabasePropertiesTest : public BackupFixture {
 protected:
  absl::StatusOr<RestoreOutcome> Restore(const std::string& artifact, const std::string& name) {
    RestoreRequest request;
    request.artifact_directory = artifact;
    request.server = {Server().Url("postgres"), ""};
    request.create_database = name;
    return RunRestore(request, Clock::Real(), observer_, cancellation_);
  }
  // All of it but the names.
  static std::string PropertiesOf(const std::string& database) {
    return Server()
        .Query(absl::StrCat(
            "SELECT concat_ws(' | ', pg_get_userbyid(datdba), datconnlimit, shobj_description(oid, 'pg_database'),"
            " (SELECT string_agg(a::text, ',' ORDER BY a::text) FROM unnest(datacl) a),"
            " (SELECT string_agg(concat(setrole::regrole, setconfig), ',' ORDER BY setrole) FROM pg_db_role_setting"
            "   WHERE setdatabase = d.oid)) FROM pg_database d WHERE datname = '",
            database, "'"))
        .value_or("?");
  }
};

TEST_F(DatabasePropertiesTest, ANewDatabaseGetsAllOfThem) {
  ASSERT_THAT(Server().Execute("CREATE ROLE \"prop owner\"; CREATE ROLE prop_reader LOGIN"), IsOk());
  CreateDatabase("props", "CREATE TABLE t (x integer)");
  ASSERT_THAT(Server().Execute("ALTER DATABASE props SET search_path = \"$user\", app, 'o\"dd';"
                               "ALTER DATABASE props SET session_preload_libraries = 'auto_explain';"
                               "ALTER DATABASE props SET \"app.key\" = 'topsecret';"
                               "ALTER DATABASE props SET default_transaction_read_only = on;"
                               "ALTER ROLE prop_reader IN DATABASE props SET work_mem = '7MB';"
                               "ALTER DATABASE props CONNECTION LIMIT 17;"
                               "COMMENT ON DATABASE props IS E'it''s\\nours';"
                               "REVOKE ALL ON DATABASE props FROM PUBLIC;"
                               "GRANT CONNECT ON DATABASE props TO prop_reader WITH GRANT OPTION;"
                               "ALTER DATABASE props OWNER TO \"prop owner\""),
              IsOk());
  const auto backup = Run(Request("props"));
  ASSERT_THAT(backup, IsOk());

  const auto outcome = Restore(backup->path, "props_again");

  ASSERT_THAT(outcome, IsOk());
  EXPECT_THAT(outcome->left_out, IsEmpty());
  EXPECT_THAT(PropertiesOf("props"), HasSubstr("prop owner | 17 | it's"));
  EXPECT_EQ(PropertiesOf("props_again"), PropertiesOf("props"));
  // What goes to the controller has no value of a setting.
  EXPECT_THAT(backup->manifest.DebugString(), Not(HasSubstr("topsecret")));
  Drop("props_again");
  Drop("props");
  EXPECT_THAT(Server().Execute("DROP ROLE \"prop owner\"; DROP ROLE prop_reader"), IsOk());
}

TEST_F(DatabasePropertiesTest, WhatTheServerRefusesIsLeftOutAndTold) {
  ASSERT_THAT(Server().Execute("CREATE ROLE prop_gone"), IsOk());
  CreateDatabase("props", "CREATE TABLE t (x integer)");
  ASSERT_THAT(Server().Execute("ALTER DATABASE props SET work_mem = '9MB';"
                               "ALTER DATABASE props OWNER TO prop_gone"),
              IsOk());
  const auto backup = Run(Request("props"));
  ASSERT_THAT(backup, IsOk());
  Drop("props");
  ASSERT_THAT(Server().Execute("DROP ROLE prop_gone"), IsOk());

  const auto outcome = Restore(backup->path, "props_again");

  ASSERT_THAT(outcome, IsOk());
  EXPECT_THAT(outcome->left_out, Contains("of the database: owner prop_gone"));
  EXPECT_THAT(PropertiesOf("props_again"), HasSubstr("{work_mem=9MB}"));
  Drop("props_again");
}

TEST_F(DatabasePropertiesTest, ALibraryThatTheServerDoesNotHaveLocksNobodyOut) {
  CreateDatabase("props", "CREATE TABLE t (x integer)");
  ASSERT_THAT(Server().Execute("ALTER DATABASE props SET session_preload_libraries = 'none such', auto_explain"),
              IsOk());
  EXPECT_FALSE(Run(Request("props")).ok()) << "nobody can log in to it";
  ASSERT_THAT(Server().Execute("ALTER DATABASE props RESET session_preload_libraries"), IsOk());
  v1::DatabaseProperties properties = WithSetting("", "session_preload_libraries", "\"none such\", auto_explain");
  const auto conninfo = Conninfo::Parse(Request("postgres").target);
  ASSERT_THAT(conninfo, IsOk());
  auto session = PgSession::Connect(*conninfo, absl::Seconds(30), &cancellation_);
  ASSERT_THAT(session, IsOk());
  NewDatabase database(**session, "props being made");
  ASSERT_THAT(database.CreateLike(v1::DatabaseIdentity(), properties), IsOk());
  std::vector<std::string> left_out;

  ASSERT_THAT(database.KeepAs("props_again", properties, &left_out), IsOk());

  EXPECT_THAT(left_out, ElementsAre("of the database: setting session_preload_libraries"));
  EXPECT_EQ(Server().Query("SELECT 1", "props_again").value_or("?"), "1");
  Drop("props_again");
  Drop("props");
}

TEST_F(DatabasePropertiesTest, WithoutTheFileTheDatabaseIsTheRestoringRolesAndThatIsTold) {
  CreateDatabase("props", "CREATE TABLE t (x integer)");
  auto backup = Run(Request("props"));
  ASSERT_THAT(backup, IsOk());
  // As an older version left it.
  std::filesystem::remove(absl::StrCat(backup->path, "/", kPropertiesFile));
  v1::Manifest& manifest = backup->manifest;
  const auto file = std::find_if(manifest.files().begin(), manifest.files().end(),
                                 [](const v1::ArtifactFile& candidate) { return candidate.name() == kPropertiesFile; });
  ASSERT_NE(file, manifest.files().end());
  manifest.mutable_files()->erase(file);
  std::map<std::string, std::string> sums;
  for (const v1::ArtifactFile& listed : manifest.files()) {
    sums[listed.name()] = listed.stored_sha256();
  }
  const std::string text = FormatManifest(manifest);
  sums[kManifestFile] = Sha256Hex(text);
  std::ofstream(absl::StrCat(backup->path, "/", kManifestFile)) << text;
  std::ofstream(absl::StrCat(backup->path, "/", kSumsFile)) << FormatSums(sums);

  const auto outcome = Restore(backup->path, "props_again");

  ASSERT_THAT(outcome, IsOk());
  EXPECT_THAT(outcome->left_out, ElementsAre(HasSubstr("the backup does not have them")));
  Drop("props_again");
  Drop("props");
}

TEST_F(DatabasePropertiesTest, ARoleThatMayLittleRestoresWithoutThem) {
  ASSERT_THAT(Server().Execute("CREATE ROLE prop_maker LOGIN CREATEDB"), IsOk());
  CreateDatabase("props");
  ASSERT_THAT(Server().Execute("ALTER DATABASE props SET work_mem = '9MB'"), IsOk());
  const auto backup = Run(Request("props"));
  ASSERT_THAT(backup, IsOk());
  RestoreRequest request;
  request.artifact_directory = backup->path;
  request.server = {Server().Url("postgres", "prop_maker"), ""};
  request.create_database = "props_again";

  const auto outcome = RunRestore(request, Clock::Real(), observer_, cancellation_);

  ASSERT_THAT(outcome, IsOk());
  EXPECT_THAT(outcome->left_out, ElementsAre("of the database: owner postgres"));
  EXPECT_THAT(PropertiesOf("props_again"), HasSubstr("prop_maker"));
  EXPECT_THAT(PropertiesOf("props_again"), HasSubstr("{work_mem=9MB}"));
  Drop("props_again");
  Drop("props");
  EXPECT_THAT(Server().Execute("DROP ROLE prop_maker"), IsOk());
}

TEST_F(DatabasePropertiesTest, AFileThatIsNotThatOfTheManifestIsRefused) {
  CreateDatabase("props", "CREATE TABLE t (x integer)");
  const auto backup = Run(Request("props"));
  ASSERT_THAT(backup, IsOk());
  std::ofstream(absl::StrCat(backup->path, "/", kPropertiesFile)) << "{\"owner\": \"postgres\"}";
  const auto directory = StoredDirectory::Open(backup->path);
  ASSERT_THAT(directory, IsOk());

  EXPECT_THAT(LoadDatabaseProperties(*directory, backup->manifest), HasReason("CORRUPT"));

  Drop("props");
}

TEST_F(DatabasePropertiesTest, AnIcuLocaleComesBack) {
  if (Server()
          .Query("SELECT count(*) FROM pg_collation WHERE collprovider = 'i' AND"
                 " current_setting('server_version_num')::int >= 150000")
          .value_or("0") == "0") {
    GTEST_SKIP() << "the server has no databases of ICU locales";
  }
  ASSERT_THAT(Server().Execute("CREATE DATABASE icu TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'de-u-kn'"),
              IsOk());
  const auto backup = Run(Request("icu"));
  ASSERT_THAT(backup, IsOk());

  ASSERT_THAT(Restore(backup->path, "icu_again"), IsOk());

  EXPECT_EQ(Server()
                .Query("SELECT concat(datlocprovider, to_jsonb(d)->>'daticulocale', to_jsonb(d)->>'datlocale')"
                       " FROM pg_database d WHERE datname = 'icu_again'")
                .value_or("?"),
            "ide-u-kn");
  Drop("icu");
  Drop("icu_again");
}

// As a session is gone soon anyway, once would prove nothing.
TEST_F(DatabasePropertiesTest, ASessionThatHasEndedHoldsItsDatabaseNoMore) {
  CreateDatabase("left");
  const auto conninfo = Conninfo::Parse(Request("left").target);
  const auto other = Conninfo::Parse(Request("postgres").target);
  ASSERT_THAT(conninfo, IsOk());
  ASSERT_THAT(other, IsOk());
  const auto watcher = PgSession::Connect(*other, absl::Seconds(30), &cancellation_);
  ASSERT_THAT(watcher, IsOk());
  for (int i = 0; i < 50; ++i) {
    auto session = PgSession::Connect(*conninfo, absl::Seconds(30), &cancellation_);
    ASSERT_THAT(session, IsOk());

    session->reset();

    const auto rows =
        (*watcher)->Query("SELECT count(*) FROM pg_stat_activity WHERE datname = 'left'", absl::Seconds(30));
    ASSERT_THAT(rows, IsOk());
    ASSERT_EQ(rows->at(0).at(0), "0") << "session " << i;
  }
  Drop("left");
}

}  // namespace
}  // namespace backup::agent
