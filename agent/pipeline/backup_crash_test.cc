// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "agent/pipeline/repository.h"
#include "agent/pipeline/testing/backup_fixture.h"
#include "base/child_process.h"
#include "tests/testing/matchers.h"

namespace backup::agent {
namespace {

using agent::testing::AwaitNoProcessWith;
using agent::testing::BackupFixture;
using agent::testing::RecordingObserver;
using ::backup::testing::IsOk;
using ::testing::SizeIs;

constexpr char kDatabase[] = "crash test";

std::string Environment(const char* name) {
  const char* value = getenv(name);
  return value == nullptr ? "" : value;
}

// The other half of the test below: a process that makes a backup and is killed in the phase that its environment
// names.
TEST(CrashChildTest, DISABLED_MakesABackupUntilItIsKilled) {
  BackupRequest request;
  request.target.url = Environment("CRASH_URL");
  request.repository = Environment("CRASH_REPOSITORY");
  request.agent = "local";
  request.database = kDatabase;
  request.backup_id = Environment("CRASH_BACKUP_ID");
  request.pg_bindir = Environment("CRASH_BINDIR");
  const std::string point = Environment("CRASH_POINT");
  RecordingObserver observer([&](const v1::Progress& progress) {
    const std::string phase = v1::RunPhase_Name(progress.phase());
    if (point == phase || (point == "MIDWAY" && progress.phase() == v1::DUMPING && progress.plain_bytes() > 100000)) {
      raise(SIGKILL);
    }
  });
  Cancellation cancellation;
  EXPECT_THAT(RunBackup(request, Clock::Real(), observer, cancellation), IsOk());
  raise(SIGKILL);
}

class BackupCrashTest : public BackupFixture, public ::testing::WithParamInterface<const char*> {};

TEST_P(BackupCrashTest, KillingTheAgentLeavesNothingFalse) {
  static const bool made = [] {
    CreateDatabase(kDatabase, "CREATE TABLE t AS SELECT i, repeat(md5(i::text), 10) FROM generate_series(1, 60000) i");
    return true;
  }();
  ASSERT_TRUE(made);
  const std::string point = GetParam();
  ASSERT_THAT(Run(Request(kDatabase)), IsOk());
  const std::vector<std::string> before = ArtifactDirectories(kDatabase);
  BackupRequest request = Request(kDatabase);

  ChildOptions options;
  options.argv = {std::filesystem::read_symlink("/proc/self/exe"), "--gtest_also_run_disabled_tests",
                  "--gtest_filter=CrashChildTest.*"};
  options.environment = {{"CRASH_URL", request.target.url},
                         {"CRASH_REPOSITORY", repository_},
                         {"CRASH_BACKUP_ID", request.backup_id},
                         {"CRASH_BINDIR", request.pg_bindir},
                         {"CRASH_POINT", point},
                         {"PATH", "/usr/bin:/bin"}};
  options.pipe_stdout = false;
  auto child = ChildProcess::Start(options);
  ASSERT_THAT(child, IsOk());
  const std::optional<ExitStatus> exit = (*child)->Wait(absl::Seconds(60));
  ASSERT_TRUE(exit.has_value());
  ASSERT_EQ(exit->signal, SIGKILL);

  EXPECT_TRUE(AwaitNoProcessWith(absl::StrCat("dbname='", kDatabase, "'"))) << "pg_dump outlived its agent";
  auto repository = Repository::Open(repository_, "local", Repository::Access::kOneShot);
  ASSERT_THAT(repository, IsOk());
  ASSERT_THAT(repository->RemoveLeftovers({}, absl::InfiniteFuture()), IsOk());
  const std::vector<std::string> after = ArtifactDirectories(kDatabase);
  if (point == std::string("RETURNED")) {
    EXPECT_THAT(after, SizeIs(before.size() + 1));
    VerifyRequest verify;
    verify.artifact_directory = ArtifactPath(repository_, "local", kDatabase, request.backup_id);
    EXPECT_THAT(VerifyArtifact(verify, Clock::Real(), observer_, cancellation_), IsOk());
  } else {
    EXPECT_EQ(after, before);
  }
  EXPECT_THAT(Run(Request(kDatabase)), IsOk());
}

INSTANTIATE_TEST_SUITE_P(Points, BackupCrashTest,
                         ::testing::Values("PREPARING", "DUMPING", "MIDWAY", "VERIFYING", "PUBLISHING", "RETURNED"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace backup::agent
