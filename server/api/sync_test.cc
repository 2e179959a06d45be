// SPDX-License-Identifier: Apache-2.0
#include "server/api/sync.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "backup/v1/agent_control_service.grpc.pb.h"
#include "base/proto_json.h"
#include "server/api/api_test_server.h"
#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::SizeIs;
using AgentControlServiceStub = v1::AgentControlService::Stub;

class SyncTest : public ::testing::Test {
 protected:
  SyncTest() { server_.PutAgent("db1", {"shop"}); }

  // What an agent that has database shop says.
  v1::SyncRequest Request(const std::string& known_revision = "") {
    v1::SyncRequest request;
    request.set_boot_id("boot1");
    request.set_sequence(++sequence_);
    request.set_version("0.1.0");
    request.set_known_revision(known_revision);
    request.set_slot_count(2);
    request.add_databases()->set_name("agents/db1/databases/shop");
    *request.mutable_time() = ToProto(server_.clock().Now());
    return request;
  }
  absl::StatusOr<v1::SyncResponse> Sync(const v1::SyncRequest& request) {
    return Call(stub_, &AgentControlServiceStub::Sync, request);
  }
  std::future<absl::StatusOr<v1::SyncResponse>> SyncLater(const v1::SyncRequest& request) {
    return std::async(std::launch::async, [this, request] { return Sync(request); });
  }
  // The revision of what the agent holds now.
  std::string Revision() {
    const absl::StatusOr<v1::SyncResponse> response = Sync(Request());
    EXPECT_THAT(response, IsOk());
    return response.ok() ? response->revision() : "";
  }
  v1::AttemptProgress Attempt(const std::string& run, const std::string& attempt = "attempt1", int64_t epoch = 1) {
    v1::AttemptProgress progress;
    progress.mutable_attempt()->set_run(run);
    progress.mutable_attempt()->set_attempt_id(attempt);
    progress.mutable_attempt()->set_epoch(epoch);
    *progress.mutable_start_time() = ToProto(server_.clock().Now());
    return progress;
  }

  ApiTestServer server_;
  int64_t sequence_ = 0;
  const std::unique_ptr<AgentControlServiceStub> stub_ =
      v1::AgentControlService::NewStub(server_.Dial(server_.Agent("db1")));
};

TEST_F(SyncTest, AnswersAtOnceWhenTheAgentKnowsNothing) {
  server_.PutPendingRun("r1", "db1", "shop");
  const absl::StatusOr<v1::SyncResponse> response = Sync(Request());
  ASSERT_THAT(response, IsOk());
  ASSERT_THAT(response->runs(), SizeIs(1));
  EXPECT_EQ(response->runs(0).run(), "runs/r1");
  EXPECT_EQ(response->runs(0).epoch(), 1);
  EXPECT_FALSE(response->revision().empty());
  EXPECT_EQ(ToAbsl(response->lease_duration()), absl::Seconds(60));
  EXPECT_EQ(ToAbsl(response->progress_interval()), absl::Seconds(3));
  EXPECT_EQ(ToAbsl(response->time()), server_.clock().Now());
  EXPECT_TRUE(server_.store().GetRun("runs/r1")->delivered());
}

TEST_F(SyncTest, RecordsWhatTheAgentSaysOfItself) {
  v1::SyncRequest request = Request();
  request.set_hostname("host\x1b[31m");
  request.add_capabilities("verify");
  request.add_capabilities("backup");
  *request.mutable_time() = ToProto(server_.clock().Now() + absl::Seconds(90));
  request.mutable_repository()->set_path("/backups");
  ASSERT_THAT(Sync(request), IsOk());
  const absl::StatusOr<v1::Agent> agent = server_.store().GetAgent("agents/db1");
  ASSERT_THAT(agent, IsOk());
  EXPECT_EQ(agent->hostname(), "host\\x1b[31m");
  EXPECT_THAT(agent->capabilities(), ElementsAre("backup", "verify"));
  EXPECT_EQ(ToAbsl(agent->clock_skew()), absl::Seconds(90));
  EXPECT_EQ(ToAbsl(agent->last_seen_time()), server_.clock().Now());
  EXPECT_EQ(agent->repository().path(), "/backups");
}

TEST_F(SyncTest, AsksForAReplanWhenTheDatabasesChanged) {
  const int before = server_.replan_count();
  v1::SyncRequest request = Request();
  request.add_databases()->set_name("agents/db1/databases/new");
  ASSERT_THAT(Sync(request), IsOk());
  EXPECT_EQ(server_.replan_count(), before + 1);
}

TEST_F(SyncTest, WaitsWhileNothingChangesAndWakesWhenARunComes) {
  auto answer = SyncLater(Request(Revision()));
  ASSERT_TRUE(server_.AwaitParked(1));
  server_.PutPendingRun("r1", "db1", "shop");
  server_.feed().Publish("agents/db1");
  const absl::StatusOr<v1::SyncResponse> response = answer.get();
  ASSERT_THAT(response, IsOk());
  ASSERT_THAT(response->runs(), SizeIs(1));
  EXPECT_TRUE(server_.store().GetRun("runs/r1")->delivered());
}

TEST_F(SyncTest, WaitsOnWhenTheNewsChangesNothing) {
  auto answer = SyncLater(Request(Revision()));
  ASSERT_TRUE(server_.AwaitParked(1));
  server_.feed().Publish("agents/db1");
  server_.feed().Publish("agents/db2");
  ASSERT_TRUE(server_.AwaitParked(1));
  EXPECT_EQ(answer.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  server_.Shutdown();
  EXPECT_THAT(answer.get(), HasReason("CONTROLLER_STOPPING"));
}

TEST_F(SyncTest, AnswersTheSameRevisionWhenItsTimeIsOver) {
  const std::string revision = Revision();
  v1::SyncRequest request = Request(revision);
  *request.mutable_max_wait() = ToProto(absl::Milliseconds(20));
  const absl::StatusOr<v1::SyncResponse> response = Sync(request);
  ASSERT_THAT(response, IsOk());
  EXPECT_EQ(response->revision(), revision);
}

TEST_F(SyncTest, AnswersBeforeTheDeadlineOfTheCaller) {
  const v1::SyncRequest request = Request(Revision());
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Milliseconds(2500)));
  v1::SyncResponse response;
  EXPECT_THAT(FromGrpcStatus(stub_->Sync(&context, request, &response)), IsOk());
}

TEST_F(SyncTest, TellsRunsOfTheNextDayAndNoLaterOnes) {
  v1::Run soon = server_.PutPendingRun("r1", "db1", "shop");
  soon.set_state(v1::SCHEDULED);
  *soon.mutable_not_before_time() = ToProto(server_.clock().Now() + absl::Hours(23));
  server_.store().PutRun(soon);
  v1::Run later = soon;
  later.set_name("runs/r2");
  *later.mutable_not_before_time() = ToProto(server_.clock().Now() + absl::Hours(25));
  server_.store().PutRun(later);
  const absl::StatusOr<v1::SyncResponse> response = Sync(Request());
  ASSERT_THAT(response, IsOk());
  ASSERT_THAT(response->runs(), SizeIs(1));
  EXPECT_EQ(response->runs(0).run(), "runs/r1");
}

TEST_F(SyncTest, ExtendsTheLeasesOfItsAttempts) {
  server_.PutPendingRun("r1", "db1", "shop");
  v1::SyncRequest request = Request();
  *request.add_attempts() = Attempt("runs/r1");
  ASSERT_THAT(Sync(request), IsOk());
  const absl::StatusOr<v1::Run> run = server_.store().GetRun("runs/r1");
  EXPECT_EQ(run->state(), v1::RUNNING);
  EXPECT_EQ(ToAbsl(run->lease_end_time()), server_.clock().Now() + absl::Seconds(60));
  EXPECT_EQ(server_.store().GetAgent("agents/db1")->active_run_count(), 1);
}

TEST_F(SyncTest, StopsAttemptsThatAreNotItsOwnAnyMore) {
  server_.PutPendingRun("r1", "db1", "shop");
  v1::SyncRequest request = Request();
  *request.add_attempts() = Attempt("runs/r1", "attempt1", /*epoch=*/9);
  *request.add_attempts() = Attempt("runs/gone");
  const absl::StatusOr<v1::SyncResponse> response = Sync(request);
  ASSERT_THAT(response, IsOk());
  EXPECT_THAT(response->cancel_runs(), ElementsAre("runs/gone", "runs/r1"));
  EXPECT_EQ(server_.store().GetRun("runs/r1")->state(), v1::PENDING);
}

// As when the answer that gave them out never arrived.
TEST_F(SyncTest, RunsThatNeverReachedTheAgentAreMissed) {
  const auto put_lost = [&](const std::string& id) {
    v1::Run run = server_.PutPendingRun(id, "db1", "shop");
    run.set_state(v1::LOST);
    run.set_delivered(true);
    *run.mutable_start_deadline_time() = ToProto(server_.clock().Now() - absl::Minutes(1));
    server_.store().PutRun(run);
  };
  put_lost("disowned");
  put_lost("unfinished");
  put_lost("begun");
  const auto state_of = [&](const std::string& id) { return server_.store().GetRun("runs/" + id)->state(); };

  ASSERT_THAT(Sync(Request()), IsOk());
  EXPECT_EQ(state_of("disowned"), v1::LOST) << "an agent of before does not say what it has";

  v1::SyncRequest request = Request();
  request.mutable_unfinished()->add_runs("runs/unfinished");
  *request.add_attempts() = Attempt("runs/begun");
  ASSERT_THAT(Sync(request), IsOk());
  EXPECT_EQ(state_of("disowned"), v1::MISSED);
  EXPECT_EQ(state_of("unfinished"), v1::LOST);
  EXPECT_EQ(state_of("begun"), v1::RUNNING);
}

// As when compaction removes one between two questions.
class StoreWithALostName : public testing::FakeStore {
 public:
  absl::StatusOr<std::vector<std::string>> ListUnstartedRuns(absl::string_view, absl::Time) override {
    return std::vector<std::string>{"runs/gone", "runs/disowned"};
  }
};

TEST(SyncOfUnreadableRunsTest, OneRunThatCannotBeChangedHoldsUpNothingElse) {
  StoreWithALostName store;
  ApiTestServer server(&store);
  server.PutAgent("db1", {"shop"});
  v1::Run run = server.PutPendingRun("disowned", "db1", "shop");
  run.set_state(v1::LOST);
  run.set_delivered(true);
  *run.mutable_start_deadline_time() = ToProto(server.clock().Now() - absl::Minutes(1));
  store.PutRun(run);
  server.PutPendingRun("wanted", "db1", "shop");
  const auto stub = v1::AgentControlService::NewStub(server.Dial(server.Agent("db1")));
  v1::SyncRequest request;
  request.set_boot_id("boot1");
  request.set_sequence(1);
  request.mutable_unfinished();

  const absl::StatusOr<v1::SyncResponse> response = Call(stub, &AgentControlServiceStub::Sync, request);

  ASSERT_THAT(response, IsOk());
  ASSERT_THAT(response->runs(), SizeIs(1));
  EXPECT_EQ(response->runs(0).run(), "runs/wanted");
  EXPECT_EQ(store.GetRun("runs/disowned")->state(), v1::MISSED);
}

TEST_F(SyncTest, AnOldWordOfTheAgentDisownsNothing) {
  v1::SyncRequest old = Request();
  old.mutable_unfinished();
  ASSERT_THAT(Sync(Request()), IsOk());
  v1::Run run = server_.PutPendingRun("r1", "db1", "shop");
  run.set_state(v1::LOST);
  run.set_delivered(true);
  *run.mutable_start_deadline_time() = ToProto(server_.clock().Now() - absl::Minutes(1));
  server_.store().PutRun(run);
  ASSERT_THAT(Sync(old), IsOk());
  EXPECT_EQ(server_.store().GetRun("runs/r1")->state(), v1::LOST);
}

TEST_F(SyncTest, TellsTheAgentToStopACancelledRun) {
  server_.PutPendingRun("r1", "db1", "shop");
  v1::SyncRequest request = Request();
  *request.add_attempts() = Attempt("runs/r1");
  const absl::StatusOr<v1::SyncResponse> first = Sync(request);
  ASSERT_THAT(first, IsOk());
  request = Request(first->revision());
  *request.add_attempts() = Attempt("runs/r1");
  auto answer = SyncLater(request);
  ASSERT_TRUE(server_.AwaitParked(1));
  v1::Run run = *server_.store().GetRun("runs/r1");
  run.set_cancel_requested(true);
  server_.store().PutRun(run);
  server_.feed().Publish("agents/db1");
  const absl::StatusOr<v1::SyncResponse> second = answer.get();
  ASSERT_THAT(second, IsOk());
  EXPECT_THAT(second->cancel_runs(), ElementsAre("runs/r1"));
}

TEST_F(SyncTest, NeitherTakesNorTellsWhatBelongsToAnotherAgent) {
  server_.PutAgent("db2", {"crm"});
  server_.PutPendingRun("theirs", "db2", "crm");
  v1::SyncRequest request = Request();
  *request.add_attempts() = Attempt("runs/theirs");
  const absl::StatusOr<v1::SyncResponse> response = Sync(request);
  ASSERT_THAT(response, IsOk());
  EXPECT_THAT(response->runs(), SizeIs(0));
  EXPECT_EQ(server_.store().GetRun("runs/theirs")->state(), v1::PENDING);
  ASSERT_THAT(server_.store().events(), SizeIs(1));
  EXPECT_EQ(server_.store().events()[0].type(), "AGENT_REFUSED");
  EXPECT_EQ(server_.store().events()[0].actor(), "agents/db1");
}

TEST_F(SyncTest, RefusesToSpeakForDatabasesOfAnotherAgent) {
  v1::SyncRequest request = Request();
  request.add_databases()->set_name("agents/db2/databases/crm");
  EXPECT_THAT(Sync(request), HasReason("NOT_ALLOWED"));
  ASSERT_THAT(server_.store().events(), SizeIs(1));
  request.mutable_databases(1)->set_name("agents/db1/databases/%");
  EXPECT_THAT(Sync(request), IsOk());
  request.mutable_databases(1)->set_name("agents/db1");
  EXPECT_THAT(Sync(request), HasReason("INVALID_FIELD"));
}

TEST_F(SyncTest, RefusesAnAgentThatIsNotEnrolled) {
  const auto stranger = v1::AgentControlService::NewStub(server_.Dial(server_.Agent("db9")));
  EXPECT_THAT(Call(stranger, &AgentControlServiceStub::Sync, v1::SyncRequest()), HasReason("AGENT_NOT_FOUND"));
}

TEST_F(SyncTest, SaysThatTheCatalogIsAway) {
  server_.store().SetUnavailable(true);
  EXPECT_THAT(Sync(Request()), HasReason("CATALOG_UNAVAILABLE"));
  EXPECT_THAT(Sync(Request()), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(SyncTest, ForgetsACallThatWasCancelled) {
  grpc::ClientContext context;
  v1::SyncResponse response;
  const v1::SyncRequest request = Request(Revision());
  auto ended =
      std::async(std::launch::async, [&] { return FromGrpcStatus(stub_->Sync(&context, request, &response)); });
  ASSERT_TRUE(server_.AwaitParked(1));
  context.TryCancel();
  EXPECT_THAT(ended.get(), StatusIs(absl::StatusCode::kCancelled));
  // A later publish finds nobody, or somebody who is on his way out; the server stops cleanly either way.
  server_.feed().Publish("agents/db1");
  server_.Shutdown();
  EXPECT_EQ(server_.parked_calls().waiting_count(), 0u);
}

TEST_F(SyncTest, ThousandsWaitOnFewThreads) {
  constexpr int kCalls = 2000;
  const v1::SyncRequest request = Request(Revision());
  struct Waiting {
    grpc::ClientContext context;
    v1::SyncResponse response;
    std::promise<absl::Status> done;
  };
  std::vector<std::unique_ptr<v1::AgentControlService::Stub>> stubs;
  std::vector<std::unique_ptr<Waiting>> calls;
  for (int i = 0; i < kCalls; ++i) {
    if (i % 80 == 0) {
      stubs.push_back(v1::AgentControlService::NewStub(server_.Dial(server_.Agent("db1"))));
    }
    calls.push_back(std::make_unique<Waiting>());
    Waiting& call = *calls.back();
    stubs.back()->async()->Sync(&call.context, &request, &call.response,
                                [&call](const grpc::Status& status) { call.done.set_value(FromGrpcStatus(status)); });
  }
  ASSERT_TRUE(server_.AwaitParked(kCalls));
  server_.PutPendingRun("r1", "db1", "shop");
  server_.feed().Publish("agents/db1");
  for (const auto& call : calls) {
    EXPECT_THAT(call->done.get_future().get(), IsOk());
    EXPECT_THAT(call->response.runs(), SizeIs(1));
  }
}

}  // namespace
}  // namespace backup::server
