// SPDX-License-Identifier: Apache-2.0
#include "server/api/run_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup/v1/run_service.grpc.pb.h"
#include "server/api/api_test_server.h"
#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::StatusIs;
using ::testing::AllOf;
using ::testing::Gt;
using ::testing::Le;
using ::testing::SizeIs;

class RunWatchTest : public ::testing::Test {
 protected:
  RunWatchTest() {
    server_.PutAgent("db1", {"shop"});
    run_ = server_.PutPendingRun("r1", "db1", "shop");
    context_.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(60)));
  }

  void Watch(int64_t log_offset = 0, const std::string& name = "runs/r1") {
    v1::WatchRunRequest request;
    request.set_name(name);
    request.set_log_offset(log_offset);
    reader_ = stub_->WatchRun(&context_, request);
  }
  v1::WatchRunResponse Next() {
    v1::WatchRunResponse response;
    EXPECT_TRUE(reader_->Read(&response));
    return response;
  }
  // No more answers; the status of the end.
  absl::Status End() {
    v1::WatchRunResponse response;
    EXPECT_FALSE(reader_->Read(&response)) << response.DebugString();
    return FromGrpcStatus(reader_->Finish());
  }
  void SetState(v1::RunState state) {
    run_.set_state(state);
    server_.store().PutRun(run_);
    server_.feed().Publish("runs/r1");
  }
  void AppendLines(int first, int count, const std::string& text = "line") {
    std::vector<v1::RunLogLine> lines(count);
    for (int i = 0; i < count; ++i) {
      lines[i].set_offset(first + i);
      lines[i].set_text(text);
    }
    ASSERT_THAT(server_.store().AppendRunLog("runs/r1", lines), IsOk());
    server_.feed().Publish("runs/r1");
  }

  ApiTestServer server_;
  const std::unique_ptr<v1::RunService::Stub> stub_ = v1::RunService::NewStub(server_.Dial(server_.User()));
  v1::Run run_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::WatchRunResponse>> reader_;
};

TEST_F(RunWatchTest, TellsTheStateAtOnceAndAtEachChangeAndEndsWithTheRun) {
  Watch();
  EXPECT_EQ(Next().run().state(), v1::PENDING);
  ASSERT_TRUE(server_.AwaitParked(1));
  SetState(v1::RUNNING);
  EXPECT_EQ(Next().run().state(), v1::RUNNING);
  AppendLines(0, 2);
  EXPECT_THAT(Next().log_lines(), SizeIs(2));
  SetState(v1::SUCCEEDED);
  EXPECT_EQ(Next().run().state(), v1::SUCCEEDED);
  EXPECT_THAT(End(), IsOk());
}

TEST_F(RunWatchTest, TellsAnEndedRunOnceWithItsLog) {
  AppendLines(0, 450);
  SetState(v1::FAILED);
  Watch(/*log_offset=*/10);
  int line_count = 0;
  for (int i = 0; i < 3; ++i) {
    const v1::WatchRunResponse response = Next();
    EXPECT_EQ(response.run().state(), v1::FAILED);
    ASSERT_THAT(response.log_lines_size(), AllOf(Gt(0), Le(200)));
    EXPECT_EQ(response.log_lines(0).offset(), 10 + line_count);
    line_count += response.log_lines_size();
  }
  EXPECT_EQ(line_count, 440);
  EXPECT_THAT(End(), IsOk());
}

TEST_F(RunWatchTest, LeavesTheLogOutWhenAsked) {
  AppendLines(0, 3);
  SetState(v1::FAILED);
  Watch(/*log_offset=*/-1);
  EXPECT_THAT(Next().log_lines(), SizeIs(0));
  EXPECT_THAT(End(), IsOk());
}

TEST_F(RunWatchTest, SaysNothingWhenNothingChanged) {
  Watch();
  Next();
  ASSERT_TRUE(server_.AwaitParked(1));
  server_.feed().Publish("runs/r1");
  SetState(v1::CANCELLED);
  EXPECT_EQ(Next().run().state(), v1::CANCELLED);
  EXPECT_THAT(End(), IsOk());
}

TEST_F(RunWatchTest, ASlowReaderGetsTheLastStateAndNoQueue) {
  Watch(/*log_offset=*/-1);
  Next();
  // Nobody reads while the run changes a thousand times: flow control holds the writes back.
  run_.set_state_reason(std::string(2000, 'x'));
  for (int i = 0; i < 1000; ++i) {
    run_.set_epoch(i);
    SetState(v1::RUNNING);
  }
  SetState(v1::SUCCEEDED);
  int answer_count = 0;
  v1::WatchRunResponse response;
  v1::RunState last = v1::RUN_STATE_UNSPECIFIED;
  while (reader_->Read(&response)) {
    ++answer_count;
    last = response.run().state();
  }
  EXPECT_THAT(FromGrpcStatus(reader_->Finish()), IsOk());
  EXPECT_EQ(last, v1::SUCCEEDED);
  EXPECT_LT(answer_count, 1000);
}

TEST_F(RunWatchTest, RefusesWhatItCannotWatch) {
  Watch(0, "runs/none");
  EXPECT_THAT(End(), HasReason("RUN_NOT_FOUND"));
}

TEST_F(RunWatchTest, RefusesANameThatIsNone) {
  Watch(0, "none");
  EXPECT_THAT(End(), HasReason("INVALID_RESOURCE_NAME"));
}

TEST_F(RunWatchTest, RefusesAnOffsetBelowMinusOne) {
  Watch(-2);
  EXPECT_THAT(End(), HasReason("INVALID_FIELD"));
}

TEST_F(RunWatchTest, EndsWhenTheCallerGoesAway) {
  Watch();
  Next();
  ASSERT_TRUE(server_.AwaitParked(1));
  context_.TryCancel();
  EXPECT_THAT(End(), StatusIs(absl::StatusCode::kCancelled));
  // The server forgets it: stopping has nothing left to wait for.
  server_.Shutdown();
  EXPECT_EQ(server_.parked_calls().waiting_count(), 0u);
}

TEST_F(RunWatchTest, EndsWhenTheCatalogGoesAway) {
  Watch();
  Next();
  server_.store().SetUnavailable(true);
  server_.feed().Publish("runs/r1");
  EXPECT_THAT(End(), HasReason("CATALOG_UNAVAILABLE"));
}

TEST_F(RunWatchTest, EndsWhenTheControllerStops) {
  Watch();
  Next();
  ASSERT_TRUE(server_.AwaitParked(1));
  server_.Shutdown();
  EXPECT_THAT(End(), HasReason("CONTROLLER_STOPPING"));
}

}  // namespace
}  // namespace backup::server
