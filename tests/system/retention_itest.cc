// SPDX-License-Identifier: Apache-2.0
// What a policy does not keep is removed from the agent's disk, and nothing else is; and a clock that jumps deletes
// nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/resource_name.h"
#include "tests/system/eventually.h"
#include "tests/system/fake_time.h"
#include "tests/system/fleet_story.h"
#include "tests/testing/temp_dir.h"

namespace backup::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr char kKeptDatabase[] = "agents/db1/databases/app";

class RetentionStory : public FleetStory {
 protected:
  void SetUp() override {
    FleetStory::SetUp();
    ASSERT_THAT(server_->Execute("CREATE DATABASE app"), IsOk());
    MiniAgentOptions options;
    options.databases.push_back({.id = "", .url = server_->Url("app"), .password = ""});
    agent_ = AddAgent(options);
    ASSERT_NE(agent_, nullptr);
    ASSERT_THAT(fleet_->AwaitDatabase("db1", "app"), IsOk());
  }

  CommandResult ApplyPolicy(const std::string& retention, const std::vector<std::string>& flags = {}) {
    const std::string file = fleet_->directory() + "/policy.yaml";
    EXPECT_THAT(WriteFileAtomically(file, absl::StrCat(R"(
apiVersion: backup/v1
kind: Policy
metadata: {name: kept}
spec:
  databases: [{agent: "*", database: "*"}]
  schedule: {cron: "0 0 1 1 *"}
  retention: )",
                                                       retention, "\n")),
                IsOk());
    std::vector<std::string> arguments = {"apply", file};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    return fleet_->Ctl(arguments);
  }
  v1::Backup Catalogued(const std::string& name) {
    v1::GetBackupRequest request;
    request.set_name(name);
    const auto row = fleet_->client().Call(&v1::BackupService::Stub::GetBackup, request);
    EXPECT_THAT(row, IsOk());
    return row.value_or(v1::Backup());
  }
  bool AwaitDeleted(const v1::Run& backup) {
    return Eventually(absl::Seconds(60), [&] { return Catalogued(backup.backup()).state() == v1::DELETED; });
  }
  bool IsOnDisk(const v1::Run& backup) {
    const std::string id = *ParseBackupName(backup.backup());
    const std::vector<std::string> paths = agent_->Artifacts();
    return std::any_of(paths.begin(), paths.end(), [&](const std::string& path) { return path.ends_with(id); });
  }

  MiniAgent* agent_ = nullptr;
};

TEST_F(RetentionStory, TheBackupThatNoRuleKeepsGoesFromTheDiskAndStaysInHistory) {
  ASSERT_EQ(ApplyPolicy("{keepLast: 3, minimumGood: 2}").exit_code, 0);
  const v1::Run first = Backup(kKeptDatabase);
  const v1::Run second = Backup(kKeptDatabase);
  Backup(kKeptDatabase);
  Backup(kKeptDatabase);

  ASSERT_TRUE(AwaitDeleted(first)) << fleet_->Logs();

  EXPECT_FALSE(IsOnDisk(first));
  EXPECT_TRUE(IsOnDisk(second));
  ExpectTruth(*agent_, 3);
  const v1::Backup deleted = Catalogued(first.backup());
  EXPECT_TRUE(deleted.has_delete_time());
  EXPECT_THAT(deleted.delete_reason(), HasSubstr("retention"));
  v1::RunFilter filter;
  filter.add_kinds(v1::DELETE);
  const auto runs = fleet_->ListRuns(filter);
  ASSERT_THAT(runs, IsOk());
  ASSERT_THAT(*runs, SizeIs(1));
  EXPECT_EQ(runs->front().name(), deleted.delete_run());
  EXPECT_EQ(runs->front().state(), v1::SUCCEEDED);
}

TEST_F(RetentionStory, AHeldBackupStaysUntilItIsReleased) {
  ASSERT_EQ(ApplyPolicy("{keepLast: 2, minimumGood: 2}").exit_code, 0);
  const v1::Run first = Backup(kKeptDatabase);
  ASSERT_EQ(fleet_->Ctl({"backup", "hold", first.backup(), "--reason", "audit"}).exit_code, 0);
  Backup(kKeptDatabase);
  Backup(kKeptDatabase);
  EXPECT_EQ(fleet_->Ctl({"retention", "apply", "app"}).exit_code, 0);
  EXPECT_EQ(Catalogued(first.backup()).state(), v1::GOOD);

  ASSERT_EQ(fleet_->Ctl({"backup", "release", first.backup()}).exit_code, 0);
  const CommandResult applied = fleet_->Ctl({"retention", "apply", "app"});

  EXPECT_EQ(applied.exit_code, 0) << applied.err;
  EXPECT_TRUE(AwaitDeleted(first)) << fleet_->Logs();
  EXPECT_FALSE(IsOnDisk(first));
}

TEST_F(RetentionStory, AForeignFileInABackupsDirectoryIsNeverTouched) {
  ASSERT_EQ(ApplyPolicy("{keepLast: 2, minimumGood: 2}").exit_code, 0);
  const v1::Run first = Backup(kKeptDatabase);
  Backup(kKeptDatabase);
  const std::string directory = Catalogued(first.backup()).path();
  ASSERT_THAT(WriteFileAtomically(directory + "/notes.txt", "mine"), IsOk());
  Backup(kKeptDatabase);

  const auto failed = [&] {
    v1::RunFilter filter;
    filter.add_kinds(v1::DELETE);
    filter.add_states(v1::FAILED);
    const auto runs = fleet_->ListRuns(filter);
    return runs.ok() && runs->size() == 1 && runs->front().failure().cause() == v1::UNKNOWN_FILES;
  };
  ASSERT_TRUE(Eventually(absl::Seconds(60), failed)) << fleet_->Logs();
  EXPECT_TRUE(std::filesystem::exists(directory + "/notes.txt"));
  EXPECT_TRUE(std::filesystem::exists(directory + "/manifest.json"));
  EXPECT_EQ(Catalogued(first.backup()).state(), v1::DELETING);

  std::filesystem::remove(directory + "/notes.txt");
  EXPECT_EQ(fleet_->Ctl({"retention", "apply", "app"}).exit_code, 0);
  EXPECT_TRUE(AwaitDeleted(first)) << fleet_->Logs();
}

TEST_F(RetentionStory, ADeletionBegunWhileTheAgentWasAwayIsDoneWhenItIsBack) {
  ASSERT_EQ(ApplyPolicy("{keepLast: 3, minimumGood: 2}").exit_code, 0);
  const v1::Run first = Backup(kKeptDatabase);
  Backup(kKeptDatabase);
  Backup(kKeptDatabase);
  agent_->daemon().Kill();
  const CommandResult deleted =
      fleet_->Ctl({"backup", "delete", first.backup(), "--confirm", first.backup(), "--reason", "holds a secret"});
  EXPECT_EQ(deleted.exit_code, 0) << deleted.err;
  EXPECT_EQ(Catalogued(first.backup()).state(), v1::DELETING);
  EXPECT_TRUE(IsOnDisk(first));

  ASSERT_THAT(agent_->Start(), IsOk());

  EXPECT_TRUE(AwaitDeleted(first)) << fleet_->Logs();
  EXPECT_FALSE(IsOnDisk(first));
  ExpectTruth(*agent_, 2);
}

TEST_F(RetentionStory, APolicyThatKeepsLessWantsToBeConfirmed) {
  ASSERT_EQ(ApplyPolicy("{keepLast: 5, minimumGood: 1}").exit_code, 0);
  const v1::Run first = Backup(kKeptDatabase);
  for (int i = 0; i < 3; ++i) Backup(kKeptDatabase);

  const CommandResult refused = ApplyPolicy("{keepLast: 3, minimumGood: 1}");
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("would delete 1 backup"));
  EXPECT_THAT(refused.err, HasSubstr("CONFIRMATION_REQUIRED"));
  EXPECT_EQ(Catalogued(first.backup()).state(), v1::GOOD);

  const CommandResult confirmed = ApplyPolicy("{keepLast: 3, minimumGood: 1}", {"--confirm", "kept"});
  EXPECT_EQ(confirmed.exit_code, 0) << confirmed.err;
  EXPECT_EQ(fleet_->Ctl({"retention", "apply", "app"}).exit_code, 0);
  EXPECT_TRUE(AwaitDeleted(first)) << fleet_->Logs();
}

class ClockStory : public RetentionStory {
 protected:
  MiniFleetOptions FleetOptions() const override {
    MiniFleetOptions options;
    options.controller_environment = time_.environment();
    return options;
  }
  void SetUp() override {
    if (FakeTime::LibraryPath().empty()) {
      GTEST_SKIP() << "libfaketime is not installed, or this is built with a sanitizer";
    }
    RetentionStory::SetUp();
  }
  void TearDown() override {
    if (fleet_ != nullptr) RetentionStory::TearDown();
  }
  // Jumps of the clock that the catalog tells.
  size_t Jumps() {
    v1::ListEventsRequest request;
    request.set_subject("clock");
    const auto events = fleet_->client().Call(&v1::FleetService::Stub::ListEvents, request);
    return events.ok() ? static_cast<size_t>(events->events_size()) : 0;
  }

  TempDir time_dir_;
  FakeTime time_{time_dir_.File("time")};
};

TEST_F(ClockStory, AClockThatGoesAYearForwardAndBackDeletesNothingRunsNothingTwiceAndIsTold) {
  ASSERT_EQ(ApplyPolicy("{keepWithin: 1d, minimumGood: 1}").exit_code, 0);
  for (int i = 0; i < 3; ++i) Backup(kKeptDatabase);

  // Nobody can speak to a controller whose clock is beyond every certificate's end; it still writes what it saw.
  time_.SetOffset(absl::Hours(24 * 366));
  const std::string log = fleet_->log_directory() + "/controller.log";
  const auto jumped = [&](const char* direction) {
    return Eventually(absl::Seconds(60), [&] {
      return ReadFile(log).value_or("").find(absl::StrCat("clock moved ", direction)) != std::string::npos;
    });
  };
  ASSERT_TRUE(jumped("forward")) << fleet_->Logs();
  time_.SetOffset(-absl::Hours(1));
  ASSERT_TRUE(jumped("back")) << fleet_->Logs();
  time_.SetOffset(absl::ZeroDuration());
  ASSERT_TRUE(Eventually(absl::Seconds(60), [&] { return Jumps() >= 2; })) << fleet_->Logs();

  const CommandResult status = fleet_->Ctl({"status"});
  EXPECT_THAT(status.out, HasSubstr("clock moved"));
  EXPECT_EQ(fleet_->Ctl({"retention", "apply", "app"}).exit_code, 0) << "nothing would go";
  ExpectTruth(*agent_, 3);
  v1::RunFilter filter;
  filter.add_kinds(v1::DELETE);
  EXPECT_THAT(*fleet_->ListRuns(filter), SizeIs(0));
  filter.Clear();
  filter.add_kinds(v1::BACKUP);
  filter.add_states(v1::SUCCEEDED);
  EXPECT_THAT(*fleet_->ListRuns(filter), SizeIs(3));
  Backup(kKeptDatabase);
  ExpectTruth(*agent_, 4);
}

TEST_F(ClockStory, WhileTheClockIsNotTrustedNothingGoesUnlessSomebodySaysSo) {
  ASSERT_EQ(ApplyPolicy("{keepLast: 3, minimumGood: 2}").exit_code, 0);
  const v1::Run first = Backup(kKeptDatabase);
  for (int i = 0; i < 2; ++i) Backup(kKeptDatabase);
  time_.SetOffset(absl::Hours(1));
  ASSERT_TRUE(Eventually(absl::Seconds(60), [&] { return Jumps() == 1; })) << fleet_->Logs();
  Backup(kKeptDatabase);  // The controller's clock is an hour ahead of the agent's, and nobody waits for that.

  const CommandResult refused = fleet_->Ctl({"retention", "apply", "app"});
  EXPECT_EQ(refused.exit_code, 6);
  EXPECT_THAT(refused.err, HasSubstr("RETENTION_FROZEN"));
  EXPECT_EQ(Catalogued(first.backup()).state(), v1::GOOD);

  const CommandResult confirmed = fleet_->Ctl({"retention", "apply", "app", "--confirm", "app"});
  EXPECT_EQ(confirmed.exit_code, 0) << confirmed.err;
  EXPECT_TRUE(AwaitDeleted(first)) << fleet_->Logs();
}

}  // namespace
}  // namespace backup::testing
