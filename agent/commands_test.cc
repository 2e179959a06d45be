// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "agent/command_dump.h"
#include "agent/command_error.h"
#include "agent/command_list.h"
#include "agent/command_verify.h"
#include "agent/pipeline/job_failure.h"
#include "agent/pipeline/manifest_file.h"
#include "agent/pipeline/testing/backup_fixture.h"
#include "base/errors.h"
#include "tests/testing/matchers.h"

namespace backup::agent {
namespace {

namespace fs = std::filesystem;
using agent::testing::BackupFixture;
using ::backup::testing::IsOk;
using ::testing::HasSubstr;
using ::testing::Not;

// A command's exit code and what it wrote.
struct Result {
  int code = -1;
  std::string out;
  std::string err;
};

class CommandsTest : public BackupFixture {
 protected:
  DumpCommandOptions DumpOptions(const std::string& database) {
    DumpCommandOptions options;
    options.url = Server().Url(database);
    options.repository = repository_;
    options.pg_bindir = Server().bindir();
    return options;
  }
  Result Dump(const DumpCommandOptions& options) {
    std::ostringstream out;
    std::ostringstream err;
    const int code = RunDumpCommand(options, cancellation_, out, err);
    return {code, out.str(), err.str()};
  }
  Result Verify(const std::string& path, const std::string& output = "table") {
    std::ostringstream out;
    std::ostringstream err;
    const int code = RunVerifyCommand({path, output}, cancellation_, out, err);
    return {code, out.str(), err.str()};
  }
  Result List(const std::string& output) {
    std::ostringstream out;
    std::ostringstream err;
    const int code = RunListCommand({repository_, output}, absl::Now(), out, err);
    return {code, out.str(), err.str()};
  }
};

TEST_F(CommandsTest, DumpVerifyList) {
  CreateDatabase("commands", "CREATE TABLE t (x integer); INSERT INTO t SELECT generate_series(1, 42)");
  const Result empty = List("table");
  EXPECT_EQ(empty.code, 0);
  EXPECT_EQ(empty.out, "");
  const Result dump = Dump(DumpOptions("commands"));
  ASSERT_EQ(dump.code, 0) << dump.err;
  EXPECT_THAT(dump.out, HasSubstr("1 with 42 rows"));
  EXPECT_THAT(dump.out, HasSubstr(repository_));
  const Result names = List("name");
  ASSERT_EQ(names.code, 0);
  const std::string path = names.out.substr(0, names.out.size() - 1);
  EXPECT_TRUE(fs::is_directory(path));
  const Result verified = Verify(path);
  EXPECT_EQ(verified.code, 0) << verified.err;
  EXPECT_THAT(verified.out, HasSubstr("42 rows"));
  const Result table = List("table");
  EXPECT_THAT(table.out, HasSubstr("BACKUP"));
  EXPECT_THAT(table.out, HasSubstr("commands"));
  EXPECT_THAT(table.out, HasSubstr("42"));
}

TEST_F(CommandsTest, JsonIsTheManifest) {
  CreateDatabase("json");
  DumpCommandOptions options = DumpOptions("json");
  options.output = "json";
  options.compression = "none";
  const Result dump = Dump(options);
  ASSERT_EQ(dump.code, 0) << dump.err;
  auto manifest = ParseManifest(dump.out);
  ASSERT_THAT(manifest, IsOk());
  EXPECT_EQ(manifest->agent(), "local");
  EXPECT_EQ(FindDumpFile(*manifest)->name(), "dump.sql");
  const Result names = List("name");
  EXPECT_EQ(Verify(names.out.substr(0, names.out.size() - 1), "json").out, dump.out);
  EXPECT_THAT(List("json").out, HasSubstr(manifest->backup_id()));
}

TEST_F(CommandsTest, VerifyExitsWith8AndNamesFileAndOffset) {
  CreateDatabase("bad", "CREATE TABLE t AS SELECT generate_series(1, 1000) x");
  ASSERT_EQ(Dump(DumpOptions("bad")).code, 0);
  const std::string path = List("name").out.substr(0, List("name").out.size() - 1);
  const auto size = fs::file_size(path + "/dump.sql.gz");
  fs::resize_file(path + "/dump.sql.gz", size - 1);
  const Result verified = Verify(path);
  EXPECT_EQ(verified.code, 8);
  EXPECT_THAT(verified.err, HasSubstr(absl::StrCat("dump.sql.gz: at offset ", size - 1)));
  EXPECT_THAT(verified.err, HasSubstr("reason: CORRUPT"));
  EXPECT_EQ(verified.out, "");
  std::ofstream(path + "/manifest.json") << "{";
  EXPECT_EQ(Verify(path).code, 8);
  EXPECT_THAT(List("table").out, HasSubstr("BAD"));
  EXPECT_EQ(Verify(path + "/nowhere").code, 3);
}

TEST_F(CommandsTest, ABackupIsFoundByAnyPathToIt) {
  CreateDatabase("linked", "CREATE TABLE t AS SELECT 1 AS x");
  ASSERT_EQ(Dump(DumpOptions("linked")).code, 0);
  const std::string path = List("name").out.substr(0, List("name").out.size() - 1);
  const std::string link = path + "-link";
  fs::create_symlink(path, link);

  EXPECT_EQ(Verify(link).code, 0);
  EXPECT_EQ(Verify(path + "/.").code, 0);
  EXPECT_EQ(Verify(path + "/").code, 0);

  const Result foreign = Verify(fs::path(path).parent_path().string());
  EXPECT_EQ(foreign.code, 3);
  EXPECT_THAT(foreign.err, HasSubstr("is not the directory of a backup"));
  const std::string renamed = fs::path(path).parent_path() / "20261123T220000Z-7k3m9q2x4d";
  fs::rename(path, renamed);
  const Result misplaced = Verify(renamed);
  EXPECT_EQ(misplaced.code, 8);
  EXPECT_THAT(misplaced.err, HasSubstr("hint: if somebody renamed the directory, call it"));
}

TEST_F(CommandsTest, UsageErrorsExitWith2) {
  DumpCommandOptions options = DumpOptions("postgres");
  options.compression = "lzma";
  EXPECT_EQ(Dump(options).code, 2);
  for (const char* compression : {"gzip:0", "gzip:13", "gzip:", "gzip:x", "gzipp", "none:1", "zstd:20", "zstd:-1"}) {
    options.compression = compression;
    EXPECT_EQ(Dump(options).code, 2) << compression;
  }
  options = DumpOptions("postgres");
  options.jobs = 0;
  EXPECT_EQ(Dump(options).code, 2);
  options = DumpOptions("postgres");
  options.output = "xml";
  EXPECT_EQ(Dump(options).code, 2);
  options = DumpOptions("postgres");
  options.url = "postgresql://u:p@CANARY@h/d";
  const Result malformed = Dump(options);
  EXPECT_EQ(malformed.code, 2);
  EXPECT_THAT(malformed.err, Not(HasSubstr("CANARY")));
  EXPECT_EQ(List("xml").code, 2);
}

TEST_F(CommandsTest, FailuresExitByTheirKind) {
  DumpCommandOptions options = DumpOptions("no such database");
  EXPECT_EQ(Dump(options).code, 6);
  options = DumpOptions("postgres");
  options.url = "host=/nonexistent user=u dbname=d";
  EXPECT_EQ(Dump(options).code, 5);
  options = DumpOptions("postgres");
  options.repository = dir_.File("elsewhere");
  const Result unmounted = Dump(options);
  EXPECT_EQ(unmounted.code, 6);
  EXPECT_THAT(unmounted.err, HasSubstr("reason: REPOSITORY_UNAVAILABLE"));
  EXPECT_THAT(unmounted.err, HasSubstr("hint: "));
  cancellation_.Cancel("interrupted");
  EXPECT_EQ(Dump(DumpOptions("postgres")).code, 130);
}

TEST_F(CommandsTest, APasswordInTheUrlIsWarnedOfAndNotShown) {
  CreateDatabase("warned", "CREATE ROLE talker LOGIN PASSWORD 'CANARY123' IN ROLE pg_read_all_data");
  DumpCommandOptions options = DumpOptions("warned");
  options.url = Server().TcpUrl("warned", "talker", "CANARY123");
  const Result dump = Dump(options);
  EXPECT_EQ(dump.code, 0) << dump.err;
  EXPECT_THAT(dump.err, HasSubstr("warning: a password in --url"));
  EXPECT_THAT(dump.err + dump.out, Not(HasSubstr("CANARY")));
}

TEST_F(CommandsTest, WhatAKilledDumpLeftIsRemoved) {
  CreateDatabase("left", "CREATE TABLE t (x integer)");
  const std::string partial = repository_ + "/local/left/.partial-20261123T220000Z-7k3m9q2x4d";
  fs::create_directories(partial);
  std::ofstream(partial + "/dump.sql.gz") << "half";
  const Result dump = Dump(DumpOptions("left"));
  EXPECT_EQ(dump.code, 0) << dump.err;
  EXPECT_FALSE(fs::exists(partial));
  EXPECT_EQ(ArtifactDirectories("left").size(), 1u);
}

TEST(CommandErrorTest, EveryCauseHasItsExitCode) {
  const std::pair<v1::FailureCause, int> codes[] = {{v1::DISK_FULL, 1},
                                                    {v1::LOCK_TIMEOUT, 5},
                                                    {v1::AUTH, 4},
                                                    {v1::VERSION_MISMATCH, 6},
                                                    {v1::PERMISSION, 4},
                                                    {v1::STALLED, 5},
                                                    {v1::TIMEOUT, 5},
                                                    {v1::DUMP_FAILED, 1},
                                                    {v1::RESTORE_FAILED, 1},
                                                    {v1::INCOMPLETE, 1},
                                                    {v1::CORRUPT, 8},
                                                    {v1::NETWORK, 5},
                                                    {v1::CANCELLED_BY_USER, 130},
                                                    {v1::INTERNAL, 1},
                                                    {v1::IO, 1},
                                                    {v1::REPOSITORY_BUSY, 6},
                                                    {v1::REPOSITORY_UNAVAILABLE, 6},
                                                    {v1::WRONG_DATABASE, 6}};
  for (const auto& [cause, code] : codes) {
    EXPECT_EQ(ExitCodeOf(JobError(cause, "x")), code) << v1::FailureCause_Name(cause);
  }
  EXPECT_EQ(ExitCodeOf(absl::OkStatus()), 0);
  std::ostringstream err;
  EXPECT_EQ(PrintCommandError(JobError(v1::DUMP_FAILED, "why", "do this", {"said so"}), err), 1);
  EXPECT_EQ(err.str(), "error: why\nreason: DUMP_FAILED\nhint: do this\n  | said so\n");
}

}  // namespace
}  // namespace backup::agent
