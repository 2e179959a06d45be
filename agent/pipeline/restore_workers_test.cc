// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/restore_workers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "agent/pipeline/conninfo.h"
#include "agent/pipeline/load_database.h"
#include "agent/pipeline/testing/backup_fixture.h"
#include "tests/testing/matchers.h"

namespace backup::agent {
namespace {

using agent::testing::BackupFixture;
using ::backup::testing::IsOk;
using ::testing::HasSubstr;

class RestoreWorkersTest : public BackupFixture {
 protected:
  void SetUp() override {
    BackupFixture::SetUp();
    conninfo_ = std::make_unique<Conninfo>(*Conninfo::Parse(Request("postgres").target));
    workers_ = std::make_unique<RestoreWorkers>(
        2, cancellation_, [this](Cancellation& stop) { return ConnectForRestore(*conninfo_, stop); },
        [](PgSession&, const std::string&, size_t) { return absl::OkStatus(); });
  }
  absl::Status Add(const std::string& statement) {
    RestoreTask task;
    task.statements = {statement};
    return workers_->Add(std::move(task));
  }
  // Of sessions that are in the statement that would last for hours.
  static int CountSleeping() {
    return std::stoi(Server()
                         .Query("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(36000)%'"
                                " AND state = 'active' AND pid <> pg_backend_pid()")
                         .value_or("-1"));
  }
  // Returns when `count` sleep; the time that a test may take ends a wait for what does not come.
  static void AwaitSleeping(int count) {
    while (CountSleeping() != count) {
    }
  }

  std::unique_ptr<Conninfo> conninfo_;
  std::unique_ptr<RestoreWorkers> workers_;
};

TEST_F(RestoreWorkersTest, TheFirstErrorStopsWhatStillRuns) {
  ASSERT_THAT(Add("SELECT pg_catalog.pg_sleep(36000)"), IsOk());
  AwaitSleeping(1);
  Add("SELECT 1 / 0").IgnoreError();

  const absl::Status status = workers_->Finish();
  workers_.reset();

  EXPECT_THAT(std::string(status.message()), HasSubstr("division by zero"));
  AwaitSleeping(0);
}

TEST_F(RestoreWorkersTest, ACancelledJobStopsThem) {
  ASSERT_THAT(Add("SELECT pg_catalog.pg_sleep(36000)"), IsOk());
  AwaitSleeping(1);

  cancellation_.Cancel("asked");

  EXPECT_FALSE(workers_->Finish().ok());
  workers_.reset();
  AwaitSleeping(0);
}

}  // namespace
}  // namespace backup::agent
