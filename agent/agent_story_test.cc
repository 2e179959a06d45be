// SPDX-License-Identifier: Apache-2.0
// The whole daemon, with its threads, against a controller and a pipeline in memory: what happens on bad days.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "agent/agent.h"
#include "agent/pipeline/job_failure.h"
#include "agent/pipeline/repository.h"
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
using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::MakeDesiredRun;
using ::backup::testing::TempDir;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Lends an object to an owner that wants to own it.
template <typename Base>
class Lent;

template <>
class Lent<ControllerLink> : public ControllerLink {
 public:
  explicit Lent(ControllerLink& link) : link_(link) {}
  absl::StatusOr<v1::SyncResponse> Sync(const v1::SyncRequest& r, absl::Duration t, Cancellation& c) override {
    return link_.Sync(r, t, c);
  }
  absl::StatusOr<v1::ReportProgressResponse> ReportProgress(const v1::ReportProgressRequest& r, absl::Duration t,
                                                            Cancellation& c) override {
    return link_.ReportProgress(r, t, c);
  }
  absl::StatusOr<v1::CompleteRunResponse> CompleteRun(const v1::CompleteRunRequest& r, absl::Duration t,
                                                      Cancellation& c) override {
    return link_.CompleteRun(r, t, c);
  }
  absl::StatusOr<v1::UploadRunLogResponse> UploadRunLog(const v1::UploadRunLogRequest& r, absl::Duration t,
                                                        Cancellation& c) override {
    return link_.UploadRunLog(r, t, c);
  }

 private:
  ControllerLink& link_;
};

template <>
class Lent<JobRunner> : public JobRunner {
 public:
  explicit Lent(JobRunner& jobs) : jobs_(jobs) {}
  absl::StatusOr<BackupOutcome> Backup(const BackupRequest& r, JobObserver& o, Cancellation& c) override {
    return jobs_.Backup(r, o, c);
  }
  absl::StatusOr<VerifyOutcome> Verify(const VerifyRequest& r, JobObserver& o, Cancellation& c) override {
    return jobs_.Verify(r, o, c);
  }
  absl::StatusOr<RemoveOutcome> Remove(const RemoveRequest& r, JobObserver& o) override { return jobs_.Remove(r, o); }
  absl::StatusOr<DrillOutcome> Drill(const DrillRequest& r, JobObserver& o, Cancellation& c) override {
    return jobs_.Drill(r, o, c);
  }
  absl::StatusOr<RestoreOutcome> Restore(const RestoreRequest& r, JobObserver& o, Cancellation& c) override {
    return jobs_.Restore(r, o, c);
  }
  absl::StatusOr<RestorePlan> PlanRestore(const RestoreRequest& r, JobObserver& o, Cancellation& c) override {
    return jobs_.PlanRestore(r, o, c);
  }

 private:
  JobRunner& jobs_;
};

class AgentStoryTest : public ::testing::Test {
 protected:
  AgentStoryTest() { EXPECT_THAT(Repository::Init(temp_.File("repository"), random_, clock_.Now()), IsOk()); }

  void StartAgent() {
    Agent::Options options;
    options.agent_id = "db1";
    options.config.state_directory = temp_.File("state");
    options.config.repository = temp_.File("repository");
    options.config.max_runs = 2;
    options.config.databases = {{"orders", "orders", {}, {}}, {"shop", "shop", {}, {}}};
    absl::StatusOr<std::unique_ptr<Agent>> agent =
        Agent::Create(std::move(options), {std::make_unique<Lent<ControllerLink>>(link_),
                                           [](const ConnectionTarget&, Cancellation&) { return DatabaseFacts(); },
                                           [](const DatabaseFacts&) { return absl::OkStatus(); },
                                           std::make_unique<Lent<JobRunner>>(jobs_), clock_, random_});
    ASSERT_THAT(agent, IsOk());
    agent_ = *std::move(agent);
    agent_->Start();
  }
  void StopAgent() {
    ASSERT_TRUE(agent_->Stop(absl::Seconds(60)));
    agent_.reset();
  }
  // As kill -9 at this moment leaves it: a copy of the state directory takes the place of what the end writes.
  void KillAgent() {
    // The agent still writes: a file that is gone before it is copied, or is another than it was, means another look.
    std::error_code error;
    do {
      std::filesystem::remove_all(temp_.File("killed"));
      std::filesystem::copy(temp_.File("state"), temp_.File("killed"), std::filesystem::copy_options::recursive, error);
    } while (error == std::errc::no_such_file_or_directory || error == std::errc::io_error);
    ASSERT_FALSE(error) << error.message();
    link_.SetAway(true);
    StopAgent();
    link_.SetAway(false);
    std::filesystem::remove_all(temp_.File("state"));
    std::filesystem::rename(temp_.File("killed"), temp_.File("state"));
  }
  bool WaitForResults(size_t count) {
    return link_.WaitUntil([&](const FakeControllerLink& link) { return link.results().size() >= count; });
  }
  bool WaitForSync(const std::function<bool(const v1::SyncRequest&)>& holds) {
    return link_.WaitUntil([&](const FakeControllerLink& link) {
      const std::vector<v1::SyncRequest> syncs = link.syncs();
      return std::any_of(syncs.begin(), syncs.end(), holds);
    });
  }
  bool WaitUntilHeld(size_t count) {
    return WaitForSync([&](const v1::SyncRequest&) {
      v1::SyncResponse held;
      const absl::StatusOr<std::string> file = ReadFile(temp_.File("state/desired.json"));
      return file.ok() && FromJson(*file, &held).ok() && held.runs_size() == static_cast<int>(count);
    });
  }
  size_t FilesIn(const std::string& directory) const {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(temp_.File(directory)),
                                             std::filesystem::directory_iterator()));
  }
  // What the journal says of the one attempt that was killed.
  v1::Run KilledAttempt() const {
    v1::Run attempt;
    for (const auto& entry : std::filesystem::directory_iterator(temp_.File("state/attempts"))) {
      EXPECT_THAT(FromJson(*ReadFile(entry.path().string()), &attempt), IsOk());
    }
    return attempt;
  }
  // Puts a published artifact of `attempt` into the repository, which reads back as `attempt_id`'s.
  void Publish(const v1::Run& attempt, const std::string& attempt_id) {
    const std::string path = ArtifactPath(temp_.File("repository"), "db1", "orders",
                                          attempt.backup().substr(std::string("backups/").size()));
    ASSERT_THAT(MakeDirectories(path), IsOk());
    VerifyOutcome outcome;
    outcome.manifest.set_run(attempt.name());
    outcome.manifest.set_attempt_id(attempt_id);
    outcome.manifest_sha256 = "beef";
    outcome.verify_time = clock_.Now();
    jobs_.SetVerified(path, outcome);
  }

  TempDir temp_;
  FakeClock clock_;
  FakeRandom random_;
  FakeControllerLink link_;
  FakeJobRunner jobs_;
  std::unique_ptr<Agent> agent_;
};

TEST_F(AgentStoryTest, RunsWhatTheControllerWantsAndSaysWhatIs) {
  jobs_.SetHeld(true);
  StartAgent();
  link_.Want({MakeDesiredRun("a", "orders", clock_.Now())});
  ASSERT_TRUE(WaitForSync([](const v1::SyncRequest& request) { return request.attempts_size() == 1; }));
  const v1::SyncRequest sync = link_.syncs().back();
  EXPECT_EQ(sync.attempts(0).attempt().run(), "runs/a");
  EXPECT_EQ(sync.slot_count(), 2);
  EXPECT_EQ(sync.free_slots(), 1);
  EXPECT_THAT(sync.capabilities(), ElementsAre("backup", "delete", "drill", "restore", "verify", "zstd"));
  EXPECT_EQ(sync.databases_size(), 2);
  EXPECT_NE(sync.boot_id(), "");
  EXPECT_NE(sync.version(), "");
  ASSERT_TRUE(WaitForSync([](const v1::SyncRequest& request) { return !request.repository().id().empty(); }));

  jobs_.SetHeld(false);

  ASSERT_TRUE(WaitForResults(1));
  EXPECT_EQ(link_.results()[0].result().state(), v1::SUCCEEDED);
  EXPECT_GE(jobs_.niceness(), 10) << "the database's own work comes first";
  EXPECT_TRUE(link_.WaitUntil([](const FakeControllerLink& link) { return !link.log_of("runs/a").empty(); }));
  StopAgent();
}

TEST_F(AgentStoryTest, SaysWhatItHasNotDoneWithUntilTheControllerHasIt) {
  const auto unfinished = [](const std::string& run) {
    return [run](const v1::SyncRequest& request) {
      const auto& runs = request.unfinished().runs();
      return request.has_unfinished() && std::find(runs.begin(), runs.end(), run) != runs.end();
    };
  };
  jobs_.SetHeld(true);
  StartAgent();
  link_.RefuseResultsOf("runs/works", absl::UnavailableError("not now"));
  link_.Want({MakeDesiredRun("later", "shop", clock_.Now() + absl::Hours(2)),
              MakeDesiredRun("works", "orders", clock_.Now())});

  ASSERT_TRUE(WaitForSync(unfinished("runs/later"))) << "held";
  ASSERT_TRUE(WaitForSync([&](const v1::SyncRequest& request) {
    return request.attempts_size() == 1 && unfinished("runs/works")(request);
  })) << "at work";
  const size_t before = link_.syncs().size();
  jobs_.SetHeld(false);
  ASSERT_TRUE(link_.WaitUntil([&](const FakeControllerLink& link) {
    const std::vector<v1::SyncRequest> syncs = link.syncs();
    return syncs.size() > before && syncs.back().attempts_size() == 0 && unfinished("runs/works")(syncs.back()) &&
           unfinished("runs/later")(syncs.back());
  })) << "done, and not acknowledged";

  link_.RefuseResultsOf("runs/works", absl::OkStatus());
  link_.Want({});

  ASSERT_TRUE(WaitForSync([](const v1::SyncRequest& request) {
    return request.has_unfinished() && request.unfinished().runs().empty() && !request.known_revision().empty();
  }));
  StopAgent();
}

TEST_F(AgentStoryTest, TheLogOfAFailedRunEndsWithTheCause) {
  jobs_.SetBackupError(JobError(v1::DUMP_FAILED, "pg_dump ended with status 3", "read its words", {"first", "second"}));
  StartAgent();

  link_.Want({MakeDesiredRun("a", "orders", clock_.Now())});

  ASSERT_TRUE(WaitForResults(1));
  ASSERT_TRUE(link_.WaitUntil([](const FakeControllerLink& link) { return link.log_of("runs/a").size() >= 5; }));
  std::vector<std::string> log = link_.log_of("runs/a");
  log.erase(log.begin(), log.end() - 4);
  EXPECT_THAT(log,
              ElementsAre(HasSubstr("| first"), HasSubstr("| second"),
                          HasSubstr("DUMP_FAILED: pg_dump ended with status 3"), HasSubstr("hint: read its words")));
  StopAgent();
}

TEST_F(AgentStoryTest, RunsOnTimeWithoutTheControllerAndReportsLater) {
  StartAgent();
  link_.Want({MakeDesiredRun("a", "orders", clock_.Now() + absl::Hours(10))});
  ASSERT_TRUE(WaitUntilHeld(1));
  link_.SetAway(true);

  clock_.Advance(absl::Hours(10));

  ASSERT_TRUE(jobs_.WaitForBackups(1));
  ASSERT_TRUE(jobs_.WaitUntilIdle());
  EXPECT_THAT(link_.results(), IsEmpty());
  link_.SetAway(false);
  ASSERT_TRUE(WaitForResults(1));
  EXPECT_EQ(link_.results()[0].result().state(), v1::SUCCEEDED);
  StopAgent();
}

TEST_F(AgentStoryTest, StartsWithWhatItHeldWhenTheControllerIsAwayAtItsStart) {
  StartAgent();
  link_.Want({MakeDesiredRun("a", "orders", clock_.Now() + absl::Hours(10))});
  ASSERT_TRUE(WaitUntilHeld(1));
  StopAgent();
  link_.SetAway(true);
  clock_.Advance(absl::Hours(11));

  StartAgent();

  EXPECT_TRUE(jobs_.WaitForBackups(1));
  link_.SetAway(false);
  EXPECT_TRUE(WaitForResults(1));
  StopAgent();
}

TEST_F(AgentStoryTest, ASlotThatPassedWhileItWasDownIsMissedWithTheReason) {
  StartAgent();
  link_.Want({MakeDesiredRun("a", "orders", clock_.Now() + absl::Hours(10))});
  ASSERT_TRUE(WaitUntilHeld(1));
  StopAgent();
  clock_.Advance(absl::Hours(24));

  StartAgent();

  ASSERT_TRUE(WaitForResults(1));
  EXPECT_EQ(link_.results()[0].result().state(), v1::MISSED);
  EXPECT_THAT(link_.results()[0].result().state_reason(), HasSubstr("the agent was not running"));
  EXPECT_THAT(jobs_.backups(), IsEmpty());
  StopAgent();
}

TEST_F(AgentStoryTest, AnUndeliveredResultOutlivesARestartAndTheRunIsNotRepeated) {
  StartAgent();
  link_.Want({MakeDesiredRun("a", "orders", clock_.Now() + absl::Hours(1))});
  ASSERT_TRUE(WaitUntilHeld(1));
  link_.SetAway(true);
  clock_.Advance(absl::Hours(1));
  ASSERT_TRUE(jobs_.WaitForBackups(1));
  ASSERT_TRUE(jobs_.WaitUntilIdle());
  StopAgent();

  StartAgent();
  link_.SetAway(false);

  ASSERT_TRUE(WaitForResults(1));
  EXPECT_EQ(link_.results()[0].result().state(), v1::SUCCEEDED);
  EXPECT_THAT(jobs_.backups(), SizeIs(1));
  StopAgent();
}

TEST_F(AgentStoryTest, ARunThatWasKilledIsReportedAsLostByTheAgent) {
  jobs_.SetHeld(true);
  StartAgent();
  link_.Want({MakeDesiredRun("a", "orders", clock_.Now())});
  ASSERT_TRUE(jobs_.WaitForBackups(1));
  KillAgent();
  jobs_.SetHeld(false);

  StartAgent();

  ASSERT_TRUE(WaitForResults(1));
  EXPECT_EQ(link_.results()[0].result().state(), v1::FAILED);
  EXPECT_EQ(link_.results()[0].result().failure().cause(), v1::AGENT_LOST);
  EXPECT_EQ(link_.results()[0].attempt().attempt_id(), jobs_.backups()[0].attempt_id);
  StopAgent();
  EXPECT_THAT(jobs_.backups(), SizeIs(1)) << "not started a second time";
  EXPECT_EQ(FilesIn("state/attempts"), 0u);
}

TEST_F(AgentStoryTest, ABackupThatWasPublishedBeforeTheKillIsAdopted) {
  jobs_.SetHeld(true);
  StartAgent();
  link_.Want({MakeDesiredRun("a", "orders", clock_.Now())});
  ASSERT_TRUE(jobs_.WaitForBackups(1));
  KillAgent();
  jobs_.SetHeld(false);
  const v1::Run attempt = KilledAttempt();
  Publish(attempt, attempt.attempt_id());

  StartAgent();

  ASSERT_TRUE(WaitForResults(1));
  EXPECT_EQ(link_.results()[0].result().state(), v1::SUCCEEDED);
  EXPECT_EQ(link_.results()[0].result().manifest_sha256(), "beef");
  EXPECT_EQ(link_.results()[0].attempt().attempt_id(), attempt.attempt_id());
  StopAgent();
  EXPECT_THAT(link_.results(), SizeIs(1));
  EXPECT_EQ(FilesIn("state/attempts"), 0u);
}

TEST_F(AgentStoryTest, AnArtifactOfAnotherAttemptIsNotAdopted) {
  jobs_.SetHeld(true);
  StartAgent();
  link_.Want({MakeDesiredRun("a", "orders", clock_.Now())});
  ASSERT_TRUE(jobs_.WaitForBackups(1));
  KillAgent();
  jobs_.SetHeld(false);
  Publish(KilledAttempt(), "another");

  StartAgent();

  ASSERT_TRUE(WaitForResults(1));
  EXPECT_EQ(link_.results()[0].result().state(), v1::FAILED);
  StopAgent();
}

TEST_F(AgentStoryTest, NobodyJudgesAKilledRunWhileTheRepositoryIsAway) {
  jobs_.SetHeld(true);
  StartAgent();
  link_.Want({MakeDesiredRun("a", "orders", clock_.Now())});
  ASSERT_TRUE(jobs_.WaitForBackups(1));
  KillAgent();
  jobs_.SetHeld(false);
  const v1::Run attempt = KilledAttempt();
  Publish(attempt, attempt.attempt_id());
  std::filesystem::rename(temp_.File("repository"), temp_.File("unmounted"));

  StartAgent();
  ASSERT_TRUE(WaitForSync([](const v1::SyncRequest& request) { return !request.repository().problem().empty(); }));
  EXPECT_THAT(link_.results(), IsEmpty());
  EXPECT_THAT(link_.syncs().back().unfinished().runs(), ElementsAre(attempt.name()));
  StopAgent();
  EXPECT_EQ(FilesIn("state/attempts"), 1u);

  std::filesystem::rename(temp_.File("unmounted"), temp_.File("repository"));
  StartAgent();
  ASSERT_TRUE(WaitForResults(1));
  EXPECT_EQ(link_.results()[0].result().state(), v1::SUCCEEDED);
  StopAgent();
}

TEST_F(AgentStoryTest, AnotherRepositoryAtTheSamePlaceIsRefused) {
  StartAgent();
  ASSERT_TRUE(WaitForSync([](const v1::SyncRequest& request) { return !request.repository().id().empty(); }));
  StopAgent();
  std::filesystem::rename(temp_.File("repository"), temp_.File("old"));
  ASSERT_THAT(Repository::Init(temp_.File("repository"), random_, clock_.Now()), IsOk());

  StartAgent();

  EXPECT_TRUE(WaitForSync([](const v1::SyncRequest& request) { return !request.repository().problem().empty(); }));
  StopAgent();
}

TEST_F(AgentStoryTest, AStaleResultIsKeptAsEvidence) {
  link_.RefuseResultsOf("runs/a", StaleEpoch("runs/a", 1, 2));
  StartAgent();
  link_.Want({MakeDesiredRun("a", "orders", clock_.Now()), MakeDesiredRun("b", "shop", clock_.Now())});

  ASSERT_TRUE(WaitForResults(1));
  EXPECT_EQ(link_.results()[0].attempt().run(), "runs/b");
  ASSERT_TRUE(link_.WaitUntil([&](const FakeControllerLink&) { return FilesIn("state/refused") == 1; }));
  StopAgent();
  EXPECT_EQ(FilesIn("state/spool"), 0u);
}

TEST_F(AgentStoryTest, CancelReachesAWorkingRun) {
  jobs_.SetHeld(true);
  StartAgent();
  link_.Want({MakeDesiredRun("a", "orders", clock_.Now())});
  ASSERT_TRUE(jobs_.WaitForBackups(1));

  link_.CancelRun("runs/a");

  ASSERT_TRUE(WaitForResults(1));
  EXPECT_EQ(link_.results()[0].result().state(), v1::CANCELLED);
  StopAgent();
}

TEST_F(AgentStoryTest, StoppingCancelsWhatWorksAndTellsTheController) {
  jobs_.SetHeld(true);
  StartAgent();
  link_.Want({MakeDesiredRun("a", "orders", clock_.Now())});
  ASSERT_TRUE(jobs_.WaitForBackups(1));

  StopAgent();

  ASSERT_THAT(link_.results(), SizeIs(1));
  EXPECT_EQ(link_.results()[0].result().state(), v1::CANCELLED);
  EXPECT_EQ(link_.results()[0].result().state_reason(), "the agent was stopped");
}

TEST_F(AgentStoryTest, StoppingWithoutTheControllerKeepsTheResultForLater) {
  jobs_.SetHeld(true);
  StartAgent();
  link_.Want({MakeDesiredRun("a", "orders", clock_.Now())});
  ASSERT_TRUE(jobs_.WaitForBackups(1));
  link_.SetAway(true);
  StopAgent();
  EXPECT_EQ(FilesIn("state/spool"), 1u);

  link_.SetAway(false);
  StartAgent();

  ASSERT_TRUE(WaitForResults(1));
  EXPECT_EQ(link_.results()[0].result().state(), v1::CANCELLED);
  StopAgent();
}

TEST_F(AgentStoryTest, StopsWhenItsJobDoesNotAndSaysSo) {
  jobs_.SetHeld(true);
  jobs_.SetDeaf(true);
  StartAgent();
  link_.Want({MakeDesiredRun("a", "orders", clock_.Now())});
  ASSERT_TRUE(jobs_.WaitForBackups(1));

  EXPECT_FALSE(agent_->Stop(absl::Milliseconds(10)));

  jobs_.SetDeaf(false);
  StopAgent();
}

TEST_F(AgentStoryTest, ASecondAgentOnOneStateDirectoryIsRefused) {
  StartAgent();
  Agent::Options options;
  options.agent_id = "db1";
  options.config.state_directory = temp_.File("state");

  EXPECT_THAT(Agent::Create(std::move(options), {std::make_unique<Lent<ControllerLink>>(link_), nullptr, nullptr,
                                                 std::make_unique<Lent<JobRunner>>(jobs_), clock_, random_}),
              HasReason("LOCKED"));
  StopAgent();
}

}  // namespace
}  // namespace backup::agent
