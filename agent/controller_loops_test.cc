// SPDX-License-Identifier: Apache-2.0
// The loops that talk to the controller: sync, progress, delivery, and their back-off.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "agent/backoff.h"
#include "agent/progress_reporter.h"
#include "agent/result_delivery.h"
#include "agent/sync_loop.h"
#include "agent/testing/fake_controller_link.h"
#include "agent/testing/fake_job_runner.h"
#include "base/errors.h"
#include "base/file.h"
#include "base/proto_json.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fake_random.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace backup::agent {
namespace {

using ::backup::testing::FakeClock;
using ::backup::testing::FakeControllerLink;
using ::backup::testing::FakeJobRunner;
using ::backup::testing::FakeRandom;
using ::backup::testing::IsOk;
using ::backup::testing::IsOkAndHolds;
using ::backup::testing::MakeDesiredRun;
using ::backup::testing::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::SizeIs;

TEST(BackoffTest, GrowsFromASecondToAMinuteWithinItsJitter) {
  FakeRandom random;
  Backoff backoff(random);
  double base = 1;
  for (int i = 0; i < 20; ++i) {
    EXPECT_THAT(absl::ToDoubleSeconds(backoff.Next()), AllOf(Ge(base * 0.8), Le(base * 1.2))) << i;
    base = std::min(base * 1.6, 60.0);
  }
  backoff.Reset();
  EXPECT_LE(backoff.Next(), absl::Seconds(1.2));
}

TEST(BackoffTest, DiffersFromAgentToAgent) {
  FakeRandom one(1);
  FakeRandom two(2);
  EXPECT_NE(Backoff(one).Next(), Backoff(two).Next());
}

class SyncLoopTest : public ::testing::Test {
 protected:
  SyncLoopTest() {
    link_.SetParks(false);
    loop_.emplace(
        SyncLoop::Options(), link_, clock_, random_,
        [this] {
          v1::SyncRequest request;
          request.set_known_revision(revision_);
          return request;
        },
        [this](const v1::SyncRequest&, const v1::SyncResponse& answer) {
          revision_ = answer.revision();
          answers_.push_back(answer);
        });
  }
  FakeClock clock_;
  FakeRandom random_;
  FakeControllerLink link_;
  std::string revision_;
  std::vector<v1::SyncResponse> answers_;
  std::optional<SyncLoop> loop_;
};

TEST_F(SyncLoopTest, AppliesAnAnswerAndAsksAgainAtOnce) {
  link_.Want({MakeDesiredRun("a", "orders", clock_.Now())});

  EXPECT_LT(loop_->Turn(), absl::Seconds(0.1));

  ASSERT_THAT(answers_, SizeIs(1));
  EXPECT_EQ(answers_[0].runs_size(), 1);
  ASSERT_THAT(link_.syncs(), SizeIs(1));
  EXPECT_EQ(link_.syncs()[0].sequence(), 1);
  EXPECT_EQ(ToAbsl(link_.syncs()[0].max_wait()), absl::Seconds(50));
  EXPECT_EQ(ToAbsl(link_.syncs()[0].time()), clock_.Now());
}

TEST_F(SyncLoopTest, DoesNotSpinWhenAnswersSayNothingNew) {
  loop_->Turn();

  EXPECT_EQ(loop_->Turn(), absl::Seconds(1));
}

TEST_F(SyncLoopTest, BacksOffWhileTheControllerIsAwayAndForgetsItAfterwards) {
  link_.SetAway(true);
  const absl::Duration first = loop_->Turn();
  EXPECT_THAT(first, AllOf(Ge(absl::Seconds(0.8)), Le(absl::Seconds(1.2))));
  absl::Duration last;
  for (int i = 0; i < 20; ++i) {
    last = loop_->Turn();
  }
  EXPECT_THAT(last, AllOf(Ge(absl::Seconds(48)), Le(absl::Seconds(72))));

  link_.SetAway(false);
  loop_->Turn();
  link_.SetAway(true);

  EXPECT_LE(loop_->Turn(), absl::Seconds(1.2));
}

TEST_F(SyncLoopTest, GivesUpTheOpenCallWhenSomethingChangedHere) {
  link_.SetParks(true);
  loop_->Start();
  ASSERT_TRUE(link_.WaitUntil([](const FakeControllerLink& link) { return link.syncs().size() == 2; })) << "parked";

  loop_->Wake();

  EXPECT_TRUE(link_.WaitUntil([](const FakeControllerLink& link) { return link.syncs().size() == 3; }));
  loop_->Stop();
}

TEST_F(SyncLoopTest, StopsWhileACallIsOpen) {
  link_.SetParks(true);
  loop_->Start();
  ASSERT_TRUE(link_.WaitUntil([](const FakeControllerLink& link) { return link.syncs().size() == 2; })) << "parked";

  loop_->Stop();
  loop_->Stop();

  EXPECT_THAT(link_.syncs(), SizeIs(2));
}

class DeliveryTest : public ::testing::Test {
 protected:
  DeliveryTest() {
    for (const char* name : {"spool", "attempts", "logs", "refused", "corrupt"}) {
      EXPECT_THAT(MakeDirectories(temp_.File(name)), IsOk());
    }
  }
  void PutResult(const std::string& run) {
    v1::CompleteRunRequest request;
    request.mutable_attempt()->set_run(run);
    request.mutable_attempt()->set_attempt_id("x");
    request.mutable_attempt()->set_epoch(1);
    request.mutable_result()->set_state(v1::SUCCEEDED);
    EXPECT_THAT(spool_.Put(request), IsOk());
  }
  std::vector<std::string> DeliveredRuns() const {
    std::vector<std::string> runs;
    for (const v1::CompleteRunRequest& result : link_.results()) {
      runs.push_back(result.attempt().run());
    }
    return runs;
  }

  TempDir temp_;
  FakeClock clock_;
  FakeRandom random_;
  FakeControllerLink link_;
  AttemptJournal journal_{temp_.File("attempts"), temp_.File("corrupt")};
  Spool spool_{temp_.File("spool"), temp_.File("refused"), temp_.File("corrupt")};
  RunLogs logs_{temp_.File("logs"), temp_.File("corrupt")};
  ResultDelivery delivery_{link_, spool_, journal_, logs_, clock_, random_};
};

TEST_F(DeliveryTest, DeliversEachResultOnceAndThenWaits) {
  PutResult("runs/a");
  PutResult("runs/b");

  EXPECT_EQ(delivery_.Turn(), absl::InfiniteDuration());
  delivery_.Turn();

  EXPECT_THAT(DeliveredRuns(), ElementsAre("runs/a", "runs/b"));
  EXPECT_THAT(spool_.Keys(), IsEmpty());
}

TEST_F(DeliveryTest, KeepsResultsWhileTheControllerIsAway) {
  PutResult("runs/a");
  link_.SetAway(true);

  EXPECT_LE(delivery_.Turn(), absl::Seconds(1.2));
  EXPECT_THAT(spool_.Keys(), SizeIs(1));

  link_.SetAway(false);
  delivery_.Turn();
  EXPECT_THAT(DeliveredRuns(), ElementsAre("runs/a"));
}

TEST_F(DeliveryTest, DeliversAgainWhenTheAnswerWasLost) {
  PutResult("runs/a");
  link_.LoseAnswers(true);
  delivery_.Turn();
  EXPECT_THAT(spool_.Keys(), SizeIs(1));

  link_.LoseAnswers(false);
  delivery_.Turn();

  EXPECT_THAT(DeliveredRuns(), ElementsAre("runs/a", "runs/a"));
  EXPECT_THAT(spool_.Keys(), IsEmpty());
}

TEST_F(DeliveryTest, KeepsARefusedResultAsEvidenceAndGoesOnWithTheOthers) {
  const std::vector<std::pair<std::string, absl::Status>> refusals = {
      {"runs/a", StaleEpoch("runs/a", 1, 2)},      {"runs/b", RunAlreadyEnded("runs/b", "MISSED")},
      {"runs/c", RunNotFound("runs/c")},           {"runs/d", NotAllowed("agents/db1", "runs/d")},
      {"runs/e", RunHeldByOtherAttempt("runs/e")}, {"runs/f", InvalidField("result.manifest", "is missing")}};
  for (const auto& [run, error] : refusals) {
    PutResult(run);
    link_.RefuseResultsOf(run, error);
  }
  PutResult("runs/z");

  delivery_.Turn();

  EXPECT_THAT(DeliveredRuns(), ElementsAre("runs/z"));
  EXPECT_THAT(spool_.Keys(), IsEmpty());
  EXPECT_EQ(
      std::distance(std::filesystem::directory_iterator(temp_.File("refused")), std::filesystem::directory_iterator()),
      6);
}

TEST_F(DeliveryTest, TriesAgainAfterATroubleOfTheControllers) {
  PutResult("runs/a");
  PutResult("runs/b");
  link_.RefuseResultsOf("runs/a", absl::InternalError("oops"));

  EXPECT_LE(delivery_.Turn(), absl::Seconds(1.2));
  EXPECT_THAT(DeliveredRuns(), ElementsAre("runs/b")) << "one trouble does not hold up the others";
  EXPECT_THAT(spool_.Keys(), ElementsAre(AttemptKey("runs/a", 1)));

  link_.RefuseResultsOf("runs/a", absl::OkStatus());
  delivery_.Turn();
  EXPECT_THAT(DeliveredRuns(), ElementsAre("runs/b", "runs/a"));
}

TEST_F(DeliveryTest, RemovesTheJournalEntryWithADeliveredResult) {
  v1::Run attempt;
  attempt.set_name("runs/a");
  attempt.set_epoch(1);
  attempt.set_attempt_id("x");
  attempt.set_database("agents/db1/databases/orders");
  ASSERT_THAT(journal_.Write(attempt), IsOk());
  std::filesystem::rename(temp_.File("spool"), temp_.File("gone"));
  v1::CompleteRunRequest request;
  *request.mutable_attempt() = RefOf(attempt);
  ASSERT_FALSE(spool_.Put(request).ok());

  delivery_.Turn();

  EXPECT_THAT(DeliveredRuns(), ElementsAre("runs/a"));
  EXPECT_THAT(journal_.Load(), IsOkAndHolds(IsEmpty()));
}

TEST_F(DeliveryTest, UploadsLogLinesOnceAndForgetsThemWhenTheRunEnded) {
  v1::AttemptRef attempt;
  attempt.set_run("runs/a");
  attempt.set_attempt_id("x");
  attempt.set_epoch(1);
  logs_.Begin(attempt);
  EXPECT_LT(delivery_.Turn(), absl::Seconds(10)) << "lines may come";
  logs_.Append(attempt, clock_.Now(), "one");
  EXPECT_LT(delivery_.Turn(), absl::Seconds(10)) << "more may come";
  logs_.Append(attempt, clock_.Now(), "two");
  logs_.Finish({"runs/a", 1});

  EXPECT_EQ(delivery_.Turn(), absl::InfiniteDuration());

  EXPECT_THAT(link_.log_of("runs/a"), ElementsAre("one", "two"));
  EXPECT_TRUE(logs_.empty());
}

TEST_F(DeliveryTest, LogLinesThatCameBeforeTheControllerKnewOfTheAttemptAreNotLost) {
  v1::AttemptRef attempt;
  attempt.set_run("runs/a");
  attempt.set_attempt_id("x");
  attempt.set_epoch(1);
  logs_.Begin(attempt);
  logs_.Append(attempt, clock_.Now(), "one");
  link_.RefuseLogOf("runs/a", RunHeldByOtherAttempt("runs/a"));
  delivery_.Turn();

  link_.RefuseLogOf("runs/a", absl::OkStatus());
  delivery_.Turn();

  EXPECT_THAT(link_.log_of("runs/a"), ElementsAre("one"));
}

TEST_F(DeliveryTest, LogLinesThatNobodyWantsAreForgottenWithTheRun) {
  v1::AttemptRef attempt;
  attempt.set_run("runs/a");
  attempt.set_attempt_id("x");
  attempt.set_epoch(1);
  logs_.Append(attempt, clock_.Now(), "one");
  logs_.Finish({"runs/a", 1});
  link_.RefuseLogOf("runs/a", RunNotFound("runs/a"));

  EXPECT_EQ(delivery_.Turn(), absl::InfiniteDuration());

  EXPECT_TRUE(logs_.empty());
}

TEST_F(DeliveryTest, DeliversOnceMoreAfterStop) {
  delivery_.Start();
  delivery_.Stop();
  PutResult("runs/a");

  delivery_.DeliverLast(absl::Seconds(3));

  EXPECT_THAT(DeliveredRuns(), ElementsAre("runs/a"));
}

class ProgressTest : public DeliveryTest {
 protected:
  ProgressTest() {
    jobs_.SetHeld(true);
    v1::SyncResponse desired;
    *desired.add_runs() = MakeDesiredRun("a", "orders", clock_.Now());
    *desired.add_runs() = MakeDesiredRun("b", "shop", clock_.Now());
    *desired.mutable_progress_interval() = ToProto(absl::Milliseconds(250));
    runs_.ApplyDesired({}, desired);
    runs_.Tick();
    EXPECT_TRUE(jobs_.WaitForBackups(2));
  }
  FakeJobRunner jobs_;
  HeldRunSet held_{temp_.File("desired.json"), temp_.File("corrupt")};
  RunLoop runs_{{{"db1", "/repository", ""}, {{"orders", "orders", {}, {}}, {"shop", "shop", {}, {}}}, 2, 1'000'000},
                {jobs_, held_, journal_, spool_, logs_, clock_, random_},
                [] {}};
  ProgressReporter progress_{link_, runs_, held_, clock_};
};

TEST_F(ProgressTest, ReportsEveryAttemptAsOftenAsAsked) {
  EXPECT_EQ(progress_.Turn(), absl::Milliseconds(250));

  ASSERT_THAT(link_.progress(), SizeIs(2));
  EXPECT_EQ(link_.progress()[0].attempt().run(), "runs/a");
  EXPECT_EQ(link_.progress()[0].attempt().epoch(), 1);
  EXPECT_EQ(link_.progress()[0].progress().plain_bytes(), 4096);
  EXPECT_EQ(ToAbsl(link_.progress()[0].start_time()), clock_.Now());
}

TEST_F(ProgressTest, StopsTheRunThatTheAnswerCancels) {
  link_.CancelRun("runs/a");

  progress_.Turn();

  while (runs_.ActiveRuns().size() > 1) {
    std::this_thread::yield();
  }
  EXPECT_EQ(runs_.ActiveRuns()[0].run, "runs/b");
  EXPECT_EQ(spool_.Get({"runs/a", 1})->result().state(), v1::CANCELLED);
}

TEST_F(ProgressTest, StopsAnAttemptWhoseResultWouldBeRefused) {
  link_.RefuseProgressOf("runs/a", StaleEpoch("runs/a", 1, 2));

  progress_.Turn();

  while (runs_.ActiveRuns().size() > 1) {
    std::this_thread::yield();
  }
  EXPECT_THAT(link_.progress(), SizeIs(2)) << "the other one was reported all the same";
}

TEST_F(ProgressTest, GoesOnWhateverElseGoesWrong) {
  link_.RefuseProgressOf("runs/a", RunNotFound("runs/a"));
  progress_.Turn();
  link_.SetAway(true);
  progress_.Turn();

  EXPECT_THAT(runs_.ActiveRuns(), SizeIs(2));
}

}  // namespace
}  // namespace backup::agent
