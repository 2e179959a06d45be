// SPDX-License-Identifier: Apache-2.0
#include "agent/database_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "agent/pipeline/job_failure.h"
#include "base/proto_json.h"
#include "tests/testing/fake_clock.h"

namespace backup::agent {
namespace {

using ::backup::testing::FakeClock;
using ::testing::ElementsAre;
using ::testing::Pair;

DatabaseFacts Facts(const std::string& name) {
  DatabaseFacts facts;
  facts.identity.set_name(name);
  facts.identity.set_oid(4711);
  facts.identity.set_system_identifier("7000");
  facts.identity.set_server_version("15.18");
  facts.identity.set_size_bytes(1 << 20);
  facts.table_count = 3;
  return facts;
}

class DatabaseWatchTest : public ::testing::Test {
 protected:
  // Counts the changes it was told of, so that a test can wait for them.
  void MakeWatch(DatabaseProbe probe, absl::Duration interval) {
    DatabaseWatch::Options options;
    options.agent_id = "db1";
    options.databases = {{"orders", "orders", {"orders-url", ""}, {{"env", "prod"}}},
                         {"shop", "shop", {"shop-url", ""}, {}}};
    options.interval = interval;
    watch_.emplace(
        std::move(options), std::move(probe), [this](const DatabaseFacts&) { return check_; }, clock_,
        [this] {
          MutexLock lock(mu_);
          ++changes_;
          changed_.NotifyAll();
        });
  }
  bool WaitForChanges(int count) {
    MutexLock lock(mu_);
    for (int i = 0; i < 60 && changes_ < count; ++i) {
      changed_.WaitFor(mu_, absl::Seconds(1));
    }
    return changes_ >= count;
  }

  absl::Status check_;
  FakeClock clock_;
  Mutex mu_;
  CondVar changed_;
  int changes_ ABSL_GUARDED_BY(mu_) = 0;
  std::optional<DatabaseWatch> watch_;
};

TEST_F(DatabaseWatchTest, KnowsTheDatabasesOfItsFileBeforeItLooked) {
  MakeWatch([](const ConnectionTarget&, Cancellation&) { return Facts("x"); }, absl::Hours(1));

  const std::vector<v1::Database> databases = watch_->Databases();

  ASSERT_EQ(databases.size(), 2u);
  EXPECT_EQ(databases[0].name(), "agents/db1/databases/orders");
  EXPECT_THAT(databases[0].labels(), ElementsAre(Pair("env", "prod")));
  EXPECT_FALSE(databases[0].has_update_time());
  EXPECT_EQ(databases[1].name(), "agents/db1/databases/shop");
}

TEST_F(DatabaseWatchTest, TellsWhatItSaw) {
  MakeWatch(
      [](const ConnectionTarget& target, Cancellation&) { return Facts(target.url == "shop-url" ? "shop" : "orders"); },
      absl::Hours(1));
  watch_->Start();
  ASSERT_TRUE(WaitForChanges(2));

  const v1::Database database = watch_->Databases()[1];

  EXPECT_EQ(database.display_name(), "shop");
  EXPECT_EQ(database.size_bytes(), 1 << 20);
  EXPECT_EQ(database.server_version(), "15.18");
  EXPECT_EQ(database.system_identifier(), "7000");
  EXPECT_EQ(database.oid(), 4711u);
  EXPECT_EQ(database.table_count(), 3);
  EXPECT_EQ(database.problem(), "");
  EXPECT_EQ(ToAbsl(database.update_time()), clock_.Now());
}

TEST_F(DatabaseWatchTest, TellsWhatKeepsADatabaseFromBeingBackedUp) {
  check_ = JobError(v1::VERSION_MISMATCH, "pg_dump 14.9 is older than the server 15.18");
  MakeWatch([](const ConnectionTarget&, Cancellation&) { return Facts("orders"); }, absl::Hours(1));
  watch_->Start();
  ASSERT_TRUE(WaitForChanges(2));

  EXPECT_EQ(watch_->Databases()[0].problem(), "pg_dump 14.9 is older than the server 15.18");
  EXPECT_EQ(watch_->Databases()[0].server_version(), "15.18");
}

TEST_F(DatabaseWatchTest, ADatabaseThatDoesNotAnswerDelaysNoOtherAndNotTheEnd) {
  MakeWatch(
      [](const ConnectionTarget& target, Cancellation& cancellation) -> absl::StatusOr<DatabaseFacts> {
        if (target.url == "orders-url") {
          Mutex mu;
          CondVar cancelled;
          const Cancellation::Registration wake(cancellation, [&] {
            MutexLock lock(mu);
            cancelled.NotifyAll();
          });
          MutexLock lock(mu);
          while (!cancellation.cancelled()) {
            cancelled.Wait(mu);
          }
          return JobError(v1::CANCELLED_BY_USER, "cancelled");
        }
        return Facts("shop");
      },
      absl::ZeroDuration());
  watch_->Start();

  EXPECT_TRUE(WaitForChanges(1));
  EXPECT_EQ(watch_->Databases()[1].oid(), 4711u);

  watch_->Stop();
  EXPECT_FALSE(watch_->Databases()[0].has_update_time());
}

TEST_F(DatabaseWatchTest, SaysTheProblemAndKeepsWhatItKnew) {
  std::atomic<int> looks = 0;
  MakeWatch(
      [&](const ConnectionTarget& target, Cancellation&) -> absl::StatusOr<DatabaseFacts> {
        if (target.url == "orders-url" && ++looks > 1) {
          return JobError(v1::NETWORK, "connection refused");
        }
        return Facts("orders");
      },
      absl::ZeroDuration());
  watch_->Start();
  ASSERT_TRUE(WaitForChanges(3));
  watch_->Stop();

  EXPECT_EQ(watch_->Databases()[0].problem(), "connection refused");
  EXPECT_EQ(watch_->Databases()[0].oid(), 4711u);
}

TEST_F(DatabaseWatchTest, ANewSizeAloneIsNoNews) {
  std::atomic<int> looks = 0;
  MakeWatch(
      [&](const ConnectionTarget&, Cancellation&) {
        DatabaseFacts facts = Facts("orders");
        facts.identity.set_size_bytes(++looks);
        return facts;
      },
      absl::ZeroDuration());
  watch_->Start();
  while (looks < 20) {
    std::this_thread::yield();
  }
  watch_->Stop();

  MutexLock lock(mu_);
  EXPECT_EQ(changes_, 2) << "the first look at each";
}

}  // namespace
}  // namespace backup::agent
