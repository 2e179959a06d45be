// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/pg_programs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace backup::agent {
namespace {

using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::TempDir;
using ::testing::HasSubstr;

// A directory whose pg_dump does what `script` says.
std::string FakeBin(const TempDir& dir, const std::string& name, const std::string& script) {
  const std::string bin = dir.File(name);
  EXPECT_THAT(MakeDirectories(bin), IsOk());
  const std::string program = dir.Write(absl::StrCat(name, "/pg_dump"), absl::StrCat("#!/bin/sh\n", script, "\n"));
  chmod(program.c_str(), 0755);
  return bin;
}

std::string FakeVersion(const TempDir& dir, const std::string& version) {
  return FakeBin(dir, version, absl::StrCat("echo 'pg_dump (PostgreSQL) ", version, "'"));
}

TEST(PgVersionTest, ParsesWhatProgramsPrint) {
  struct {
    const char* line;
    PgVersion version;
  } cases[] = {{"pg_dump (PostgreSQL) 15.8 (Debian 15.8-0+deb12u1)\n", {1500, 8}},
               {"pg_dump (PostgreSQL) 17beta1", {1700, 0}},
               {"pg_dump (PostgreSQL) 18devel", {1800, 0}},
               {"pg_dump (PostgreSQL) 9.6.24", {906, 24}},
               {"pg_dump (PostgreSQL) 10.1", {1000, 1}}};
  for (const auto& entry : cases) {
    auto version = ParseProgramVersion(entry.line);
    ASSERT_THAT(version, IsOk()) << entry.line;
    EXPECT_EQ(*version, entry.version) << entry.line;
  }
  for (const char* line :
       {"", "pg_dump 15.8", "pg_dump (PostgreSQL) ", "pg_dump (PostgreSQL) x", "pg_dump (PostgreSQL) 99999999999"}) {
    EXPECT_FALSE(ParseProgramVersion(line).ok()) << line;
  }
}

TEST(PgVersionTest, ReadsServerNumbers) {
  EXPECT_EQ(VersionFromNumber(150008), (PgVersion{1500, 8}));
  EXPECT_EQ(VersionFromNumber(90624), (PgVersion{906, 24}));
  EXPECT_EQ((PgVersion{1500, 8}).ToString(), "15.8");
  EXPECT_EQ((PgVersion{906, 24}).ToString(), "9.6.24");
}

TEST(FindPgProgramsTest, TakesTheMajorVersionNearestToTheServersAndNotOlder) {
  TempDir dir;
  for (const char* version : {"9.6.24", "15.8", "17.2", "16.1", "16.3"}) {
    FakeVersion(dir, version);
  }
  PgProgramsOptions options;
  options.search = {dir.File("*")};
  auto programs = FindPgPrograms({1600, 4}, options);
  ASSERT_THAT(programs, IsOk());
  EXPECT_EQ(programs->pg_dump, dir.File("16.3/pg_dump"));
  EXPECT_EQ(programs->pg_dumpall, dir.File("16.3/pg_dumpall"));
  EXPECT_EQ(FindPgPrograms({1000, 1}, options)->pg_dump, dir.File("15.8/pg_dump"));
}

TEST(FindPgProgramsTest, AnOlderMinorVersionWillDo) {
  TempDir dir;
  FakeVersion(dir, "15.1");
  PgProgramsOptions options;
  options.search = {dir.File("*")};
  EXPECT_THAT(FindPgPrograms({1500, 18}, options), IsOk());
}

TEST(FindPgProgramsTest, OlderMajorVersionIsRefusedNamingBoth) {
  TempDir dir;
  FakeVersion(dir, "14.9");
  PgProgramsOptions options;
  options.search = {dir.File("*")};
  auto programs = FindPgPrograms({1500, 18}, options);
  EXPECT_THAT(programs, HasReason("VERSION_MISMATCH"));
  EXPECT_THAT(std::string(programs.status().message()), AllOf(HasSubstr("14.9"), HasSubstr("15.18")));
}

TEST(FindPgProgramsTest, NamedDirectoryIsTheOnlyOne) {
  TempDir dir;
  FakeVersion(dir, "17.2");
  PgProgramsOptions options;
  options.bindir = FakeVersion(dir, "15.8");
  options.search = {dir.File("*")};
  auto programs = FindPgPrograms({1500, 1}, options);
  ASSERT_THAT(programs, IsOk());
  EXPECT_EQ(programs->version, (PgVersion{1500, 8}));
}

TEST(FindPgProgramsTest, MissingBrokenAndHangingProgramsAreNamed) {
  TempDir dir;
  PgProgramsOptions options;
  options.version_timeout = absl::Milliseconds(200);
  options.bindir = dir.File("nowhere");
  auto missing = FindPgPrograms({1500, 0}, options);
  EXPECT_THAT(missing, HasReason("VERSION_MISMATCH"));
  EXPECT_THAT(std::string(missing.status().message()), HasSubstr("nowhere/pg_dump"));
  options.bindir = FakeBin(dir, "garbage", "echo hello");
  EXPECT_THAT(FindPgPrograms({1500, 0}, options), HasReason("VERSION_MISMATCH"));
  options.bindir = FakeBin(dir, "failing", "exit 127");
  EXPECT_THAT(FindPgPrograms({1500, 0}, options), HasReason("VERSION_MISMATCH"));
  options.bindir = FakeBin(dir, "hanging", "exec sleep 600");
  auto hanging = FindPgPrograms({1500, 0}, options);
  EXPECT_THAT(hanging, HasReason("VERSION_MISMATCH"));
  EXPECT_THAT(std::string(hanging.status().message()), HasSubstr("does not answer"));
}

TEST(FindPgProgramsTest, NothingInstalled) {
  PgProgramsOptions options;
  options.search = {"/nonexistent/*/bin"};
  auto programs = FindPgPrograms({1500, 0}, options);
  EXPECT_THAT(programs, HasReason("VERSION_MISMATCH"));
  EXPECT_THAT(std::string(programs.status().message()), HasSubstr("none"));
}

}  // namespace
}  // namespace backup::agent
