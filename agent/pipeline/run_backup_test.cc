// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "agent/pipeline/manifest_file.h"
#include "agent/pipeline/repository.h"
#include "agent/pipeline/testing/backup_fixture.h"
#include "agent/pipeline/testing/directory.h"
#include "agent/pipeline/testing/rich_schema.h"
#include "base/child_process.h"
#include "base/file.h"
#include "base/proto_json.h"
#include "base/x509.h"
#include "tests/testing/matchers.h"

namespace backup::agent {
namespace {

using agent::testing::BackupFixture;
using agent::testing::NamesIn;
using agent::testing::OpenDescriptorCount;
using agent::testing::RichSchema;
using ::backup::testing::EqualsProto;
using ::backup::testing::IsOk;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

class RunBackupTest : public BackupFixture {
 protected:
  // Runs a line of sh in `directory`, as a person would who restores.
  static std::string Shell(const std::string& line, const std::string& directory) {
    ChildOptions options;
    options.argv = {"/bin/sh", "-e", "-c", line};
    options.directory = directory;
    options.environment = {{"PATH", absl::StrCat(Server().bindir(), ":/usr/bin:/bin")},
                           {"PGHOST", Server().socket_directory()},
                           {"PGPORT", absl::StrCat(Server().port())},
                           {"PGUSER", "postgres"},
                           {"LC_ALL", "C"}};
    auto output = RunAndCollect(options, absl::Seconds(60));
    EXPECT_THAT(output, IsOk()) << line;
    return output.value_or("");
  }

  // Tables by name with rows and hashes, without the offsets.
  static std::vector<std::string> TablesOf(const v1::Manifest& manifest) {
    std::vector<std::string> tables;
    for (const v1::TableFacts& table : manifest.tables()) {
      tables.push_back(absl::StrCat(table.schema(), ".", table.name(), " ", table.row_count(), " ", table.plain_bytes(),
                                    " ", table.content_hash()));
    }
    std::sort(tables.begin(), tables.end());
    return tables;
  }
  static std::vector<std::string> SequencesOf(const v1::Manifest& manifest) {
    std::vector<std::string> sequences;
    for (const v1::SequenceFacts& sequence : manifest.sequences()) {
      sequences.push_back(sequence.ShortDebugString());
    }
    std::sort(sequences.begin(), sequences.end());
    return sequences;
  }
};

// How a dump is made must not show in what comes back.
struct Manner {
  const char* name;
  int jobs;
  v1::Codec codec;
};

class MannerTest : public RunBackupTest, public ::testing::WithParamInterface<Manner> {
 protected:
  // A database with every kind of object, and tables that are worth a stream of their own.
  static void MakeRichDatabase() {
    static const bool made = [] {
      std::string sql = RichSchema();
      for (const char* name : {"large one", "large\"two", "large3"}) {
        absl::StrAppend(&sql, "CREATE TABLE ", agent::testing::QuoteIdentifier(name),
                        " (id serial, t text); INSERT INTO ", agent::testing::QuoteIdentifier(name),
                        " (t) SELECT repeat(md5(i::text), 8) FROM generate_series(1, 20000) i;");
      }
      CreateDatabase("rich", sql);
      return Server().Execute("CREATE ROLE \"a role; --\"; ALTER DATABASE rich SET work_mem = '5MB'").ok();
    }();
    ASSERT_TRUE(made);
  }
};

TEST_P(MannerTest, WhatIsStoredRestoresToTheSameDatabaseByTheCommandsOfRestoreTxt) {
  MakeRichDatabase();
  const BackupRequest plain_request = Request("rich");
  const auto plain = Run(plain_request);
  ASSERT_THAT(plain, IsOk());
  BackupRequest request = Request("rich");
  request.dump.set_jobs(GetParam().jobs);
  request.dump.set_compression(GetParam().codec);

  const auto outcome = Run(request);

  ASSERT_THAT(outcome, IsOk());
  EXPECT_THAT(outcome->manifest.tables(), SizeIs(agent::testing::kRichSchemaTableCount + 3));
  EXPECT_THAT(outcome->manifest.roles(), AllOf(Contains("postgres"), Contains("a role; --")));
  EXPECT_EQ(TablesOf(outcome->manifest), TablesOf(plain->manifest));
  EXPECT_EQ(SequencesOf(outcome->manifest), SequencesOf(plain->manifest));
  EXPECT_EQ(outcome->manifest.schema_fingerprint(), plain->manifest.schema_fingerprint());

  auto text = ReadFile(outcome->path + "/RESTORE.txt");
  ASSERT_THAT(text, IsOk());
  int commands = 0;
  for (absl::string_view line : absl::StrSplit(*text, '\n')) {
    if (absl::StartsWith(line, "    ") && !absl::StartsWith(line, "     ")) {
      Shell(std::string(line), outcome->path);
      ++commands;
    }
  }
  EXPECT_EQ(commands, 5) << *text;

  auto again = Run(Request("restored"));
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(TablesOf(again->manifest), TablesOf(outcome->manifest));
  EXPECT_EQ(SequencesOf(again->manifest), SequencesOf(outcome->manifest));
  EXPECT_EQ(again->manifest.schema_fingerprint(), outcome->manifest.schema_fingerprint());
  // And the server agrees with the manifest on what it holds.
  for (const v1::TableFacts& table : outcome->manifest.tables()) {
    EXPECT_EQ(Server()
                  .Query(absl::StrCat("SELECT count(*) FROM ONLY ", agent::testing::QuoteIdentifier(table.schema()),
                                      ".", agent::testing::QuoteIdentifier(table.name())),
                         "restored")
                  .value_or("?"),
              absl::StrCat(table.row_count()))
        << table.name();
  }
  Drop("restored");
}

INSTANTIATE_TEST_SUITE_P(Manners, MannerTest,
                         ::testing::Values(Manner{"OnePgDump", 1, v1::GZIP}, Manner{"FourStreams", 4, v1::GZIP},
                                           Manner{"TwoStreamsOfZstd", 2, v1::ZSTD},
                                           Manner{"ThreePlainStreams", 3, v1::NONE}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_F(RunBackupTest, ReadsNoFasterThanItMay) {
  constexpr int64_t kBytesPerSecond = 1 << 20;
  CreateDatabase("slowly", "CREATE TABLE t AS SELECT i, repeat('x', 100) AS x FROM generate_series(1, 4000) i");
  BackupRequest request = Request("slowly");
  request.dump.set_max_bytes_per_second(kBytesPerSecond);
  const absl::Duration begin = Clock::Real().Monotonic();

  const auto backup = Run(request);

  ASSERT_THAT(backup, IsOk());
  const double least = static_cast<double>(FindDumpFile(backup->manifest)->plain_bytes()) / kBytesPerSecond;
  EXPECT_GE(absl::ToDoubleSeconds(Clock::Real().Monotonic() - begin), least);
}

TEST_F(RunBackupTest, ManifestTellsWhatAndWhence) {
  CreateDatabase("facts", "CREATE TABLE t (x integer); INSERT INTO t SELECT generate_series(1, 7)");
  BackupRequest request = Request("facts");
  request.run = "runs/abc";
  request.attempt_id = "attempt1";
  request.epoch = 3;
  request.policy = "policies/nightly";
  request.slot_time = absl::FromUnixSeconds(1795471200);
  const absl::Time before = absl::Now();
  auto outcome = Run(request);
  ASSERT_THAT(outcome, IsOk());
  const v1::Manifest& manifest = outcome->manifest;
  EXPECT_EQ(manifest.format_version(), 1);
  EXPECT_EQ(manifest.backup_id(), request.backup_id);
  EXPECT_EQ(manifest.run(), "runs/abc");
  EXPECT_EQ(manifest.attempt_id(), "attempt1");
  EXPECT_EQ(manifest.epoch(), 3);
  EXPECT_EQ(manifest.policy(), "policies/nightly");
  EXPECT_EQ(ToAbsl(manifest.slot_time()), *request.slot_time);
  EXPECT_EQ(manifest.database().name(), "facts");
  EXPECT_EQ(absl::StrCat(manifest.database().oid()),
            *Server().Query("SELECT oid FROM pg_database WHERE datname = 'facts'"));
  EXPECT_EQ(manifest.database().system_identifier(),
            *Server().Query("SELECT system_identifier FROM pg_control_system()"));
  EXPECT_EQ(manifest.database().encoding(), "UTF8");
  EXPECT_EQ(manifest.database().collation(), "C");
  EXPECT_EQ(manifest.database().server_version(), *Server().Query("SHOW server_version"));
  EXPECT_GT(manifest.database().size_bytes(), 0);
  EXPECT_GE(ToAbsl(manifest.snapshot_time()), before - absl::Seconds(5));
  EXPECT_GE(ToAbsl(manifest.end_time()), ToAbsl(manifest.start_time()));
  ASSERT_THAT(manifest.extensions(), SizeIs(1));
  EXPECT_EQ(manifest.extensions(0).name(), "plpgsql");
  ASSERT_THAT(manifest.tables(), SizeIs(1));
  EXPECT_EQ(manifest.tables(0).row_count(), 7);
  EXPECT_EQ(manifest.tables(0).plain_bytes(), 14);
  EXPECT_THAT(manifest.warnings(), SizeIs(0));
  // The file says the same, and its hash is the one reported.
  auto text = ReadFile(outcome->path + "/manifest.json");
  ASSERT_THAT(text, IsOk());
  EXPECT_THAT(*ParseManifest(*text), EqualsProto(manifest));
  EXPECT_EQ(outcome->manifest_sha256, Sha256Hex(*text));
  EXPECT_EQ(outcome->path, ArtifactPath(repository_, "local", "facts", request.backup_id));
}

TEST_F(RunBackupTest, EveryCodecAndLevelRestores) {
  CreateDatabase("codecs", "CREATE TABLE t AS SELECT i, md5(i::text) FROM generate_series(1, 60000) i");
  std::vector<std::string> tables;
  for (int level : {0, 1, 2, 3}) {
    BackupRequest request = Request("codecs");
    request.compression_level = level;
    request.dump.set_compression(level == 0 ? v1::NONE : v1::GZIP);
    auto outcome = Run(request);
    ASSERT_THAT(outcome, IsOk());
    tables.push_back(absl::StrJoin(TablesOf(outcome->manifest), "\n"));
    const v1::ArtifactFile& dump = *FindDumpFile(outcome->manifest);
    EXPECT_EQ(dump.name(), level == 0 ? "dump.sql" : "dump.sql.gz");
    EXPECT_EQ(dump.member_count() > 2, level != 0);
    Shell("sha256sum -c SHA256SUMS", outcome->path);
  }
  EXPECT_EQ(tables, std::vector<std::string>(4, tables[0]));
}

TEST_F(RunBackupTest, AnEmptyDatabaseIsABackupToo) {
  CreateDatabase("empty");
  auto outcome = Run(Request("empty"));
  ASSERT_THAT(outcome, IsOk());
  EXPECT_THAT(outcome->manifest.tables(), SizeIs(0));
}

TEST_F(RunBackupTest, WithoutGlobalsThereIsNoGlobalsFile) {
  CreateDatabase("alone");
  BackupRequest request = Request("alone");
  request.dump.set_globals(false);
  auto outcome = Run(request);
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(FindGlobalsFile(outcome->manifest), nullptr);
  EXPECT_THAT(NamesIn(outcome->path), Not(Contains("globals.sql.gz")));
}

TEST_F(RunBackupTest, HostileNamesAreDumpedAsWhatTheyName) {
  for (const std::string name :
       {"dbname=template1 application_name=x", "postgresql://localhost/template1", "-d template1", "a'b\\c\"d",
        "new\nline", "sp ace", "../../etc", "=", "caf\xc3\xa9 $(touch x)", "%n%s"}) {
    CreateDatabase(name, "CREATE TABLE mine (x integer)");
    const std::string oid =
        *Server().Query("SELECT oid FROM pg_database WHERE datname = pg_catalog.current_database()", name);
    auto outcome = Run(Request(name));
    ASSERT_THAT(outcome, IsOk()) << name;
    EXPECT_EQ(outcome->manifest.database().name(), name);
    EXPECT_EQ(absl::StrCat(outcome->manifest.database().oid()), oid);
    ASSERT_THAT(outcome->manifest.tables(), SizeIs(1)) << name;
    EXPECT_EQ(outcome->manifest.tables(0).name(), "mine");
    EXPECT_TRUE(std::filesystem::path(outcome->path).lexically_normal().string().starts_with(repository_ + "/local/"));
    for (const std::string& line : observer_.lines()) {
      EXPECT_THAT(line, Not(HasSubstr("\n")));
    }
  }
}

TEST_F(RunBackupTest, OtherEncodingsAreDumpedAsTheyAre) {
  ASSERT_THAT(
      Server().Execute("CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"),
      IsOk());
  ASSERT_THAT(Server().Execute("CREATE TABLE \"caf\xe9\" (t text); INSERT INTO \"caf\xe9\" VALUES ('\xfc')", "latin"),
              IsOk());
  ASSERT_THAT(Server().Execute("ALTER ROLE postgres SET client_encoding = 'UTF8'"), IsOk());
  auto outcome = Run(Request("latin"));
  ASSERT_THAT(Server().Execute("ALTER ROLE postgres RESET client_encoding"), IsOk());
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(outcome->manifest.database().encoding(), "LATIN1");
  ASSERT_THAT(outcome->manifest.tables(), SizeIs(1));
  EXPECT_EQ(outcome->manifest.tables(0).name(), "caf\\xe9");
  EXPECT_EQ(outcome->manifest.tables(0).plain_bytes(), 2);  // One byte and a line end: not converted.
}

TEST_F(RunBackupTest, ReportsPhasesAndProgress) {
  CreateDatabase("progress", "CREATE TABLE t AS SELECT i, md5(i::text) FROM generate_series(1, 100000) i; ANALYZE");
  auto outcome = Run(Request("progress"));
  ASSERT_THAT(outcome, IsOk());
  EXPECT_THAT(observer_.phases(), ElementsAre(v1::PREPARING, v1::DUMPING, v1::VERIFYING, v1::PUBLISHING));
  const v1::Progress last = observer_.last();
  EXPECT_GT(last.estimated_plain_bytes(), 1 << 20);
  EXPECT_EQ(last.row_count(), 100000);
  EXPECT_EQ(last.tables_done(), 1);
  EXPECT_EQ(last.table_count(), 1);
  EXPECT_THAT(observer_.lines(), Contains(HasSubstr("published")));
}

TEST_F(RunBackupTest, KeepsNoDescriptorAndNothingBesideTheArtifact) {
  CreateDatabase("tidy", "CREATE TABLE t (x integer)");
  BackupRequest request = Request("tidy");
  const int before = OpenDescriptorCount();
  auto outcome = Run(request);
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(OpenDescriptorCount(), before);
  EXPECT_THAT(ArtifactDirectories("tidy"), ElementsAre(request.backup_id));
}

TEST_F(RunBackupTest, APartitionedKeyTableHasTheRowsOfItsPartitions) {
  CreateDatabase("keys", RichSchema());
  BackupRequest request = Request("keys");
  request.verify.add_key_tables("public.events");
  request.verify.add_key_tables("public.people");
  request.verify.set_min_bytes(1000);
  EXPECT_THAT(Run(request), IsOk());
}

TEST_F(RunBackupTest, TheContentOfARowChangesTheContentHash) {
  CreateDatabase("content change", "CREATE TABLE t (x text); INSERT INTO t VALUES ('a'), ('b')");
  auto first = Run(Request("content change"));
  ASSERT_THAT(Server().Execute("UPDATE t SET x = 'c' WHERE x = 'b'", "content change"), IsOk());
  auto second = Run(Request("content change"));
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(first->manifest.schema_fingerprint(), second->manifest.schema_fingerprint());
  EXPECT_NE(first->manifest.tables(0).content_hash(), second->manifest.tables(0).content_hash());
}

}  // namespace
}  // namespace backup::agent
