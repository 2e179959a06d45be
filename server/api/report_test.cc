// SPDX-License-Identifier: Apache-2.0
#include "server/api/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup/v1/agent_control_service.grpc.pb.h"
#include "base/proto_json.h"
#include "server/api/api_test_server.h"
#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::StatusIs;
using ::testing::SizeIs;
using AgentControlServiceStub = v1::AgentControlService::Stub;

class ReportTest : public ::testing::Test {
 protected:
  ReportTest() {
    server_.PutAgent("db1", {"shop"});
    server_.PutAgent("db2", {"crm"});
    server_.PutPendingRun("r1", "db1", "shop");
    attempt_.set_run("runs/r1");
    attempt_.set_attempt_id("attempt1");
    attempt_.set_epoch(1);
  }

  absl::StatusOr<v1::ReportProgressResponse> Report(int64_t plain_bytes = 1) {
    v1::ReportProgressRequest request;
    *request.mutable_progress()->mutable_attempt() = attempt_;
    request.mutable_progress()->mutable_progress()->set_plain_bytes(plain_bytes);
    *request.mutable_progress()->mutable_start_time() = ToProto(server_.clock().Now());
    return Call(stub_, &AgentControlServiceStub::ReportProgress, request);
  }
  absl::StatusOr<v1::CompleteRunResponse> Complete(const v1::RunResult& result) {
    v1::CompleteRunRequest request;
    *request.mutable_attempt() = attempt_;
    *request.mutable_result() = result;
    return Call(stub_, &AgentControlServiceStub::CompleteRun, request);
  }
  absl::StatusOr<v1::UploadRunLogResponse> Upload(int64_t first, int count, const std::string& text = "line") {
    v1::UploadRunLogRequest request;
    *request.mutable_attempt() = attempt_;
    for (int i = 0; i < count; ++i) {
      v1::RunLogLine* line = request.add_lines();
      line->set_offset(first + i);
      line->set_text(text);
    }
    return Call(stub_, &AgentControlServiceStub::UploadRunLog, request);
  }
  v1::RunResult Failed(const std::string& message) {
    v1::RunResult result;
    result.set_state(v1::FAILED);
    result.mutable_failure()->set_cause(v1::NETWORK);
    result.mutable_failure()->set_message(message);
    *result.mutable_start_time() = ToProto(server_.clock().Now());
    *result.mutable_end_time() = ToProto(server_.clock().Now());
    return result;
  }
  v1::Run Stored() { return *server_.store().GetRun("runs/r1"); }
  void BecomeDb2() { stub_ = v1::AgentControlService::NewStub(server_.Dial(server_.Agent("db2"))); }

  ApiTestServer server_;
  std::unique_ptr<AgentControlServiceStub> stub_ = v1::AgentControlService::NewStub(server_.Dial(server_.Agent("db1")));
  v1::AttemptRef attempt_;
};

TEST_F(ReportTest, FirstReportStartsTheRunAndEachExtendsTheLease) {
  std::atomic<int> published = 0;
  const auto subscription = server_.feed().Subscribe("runs/r1", [&] { ++published; });
  ASSERT_THAT(Report(), IsOk());
  EXPECT_EQ(Stored().state(), v1::RUNNING);
  EXPECT_EQ(ToAbsl(Stored().lease_end_time()), server_.clock().Now() + absl::Seconds(60));
  server_.clock().Advance(absl::Seconds(10));
  ASSERT_THAT(Report(5), IsOk());
  EXPECT_EQ(ToAbsl(Stored().lease_end_time()), server_.clock().Now() + absl::Seconds(60));
  EXPECT_EQ(Stored().progress().plain_bytes(), 5);
  EXPECT_EQ(published, 2);
}

TEST_F(ReportTest, ReportTellsThatTheRunIsToStop) {
  EXPECT_FALSE(Report()->cancel());
  v1::Run run = Stored();
  run.set_cancel_requested(true);
  server_.store().PutRun(run);
  EXPECT_TRUE(Report()->cancel());
}

TEST_F(ReportTest, AnOldEpochIsRefused) {
  attempt_.set_epoch(0);
  EXPECT_THAT(Report(), HasReason("STALE_EPOCH"));
  EXPECT_THAT(Complete(Failed("x")), HasReason("STALE_EPOCH"));
  EXPECT_THAT(Upload(0, 1), HasReason("STALE_EPOCH"));
  EXPECT_EQ(Stored().state(), v1::PENDING);
}

TEST_F(ReportTest, ASecondAttemptIsRefused) {
  ASSERT_THAT(Report(), IsOk());
  attempt_.set_attempt_id("attempt2");
  EXPECT_THAT(Report(), HasReason("RUN_HELD_BY_OTHER_ATTEMPT"));
  EXPECT_THAT(Complete(Failed("x")), HasReason("RUN_HELD_BY_OTHER_ATTEMPT"));
  EXPECT_THAT(Upload(0, 1), HasReason("RUN_HELD_BY_OTHER_ATTEMPT"));
}

TEST_F(ReportTest, AnEndedRunTakesNoProgress) {
  ASSERT_THAT(Report(), IsOk());
  ASSERT_THAT(Complete(Failed("x")), IsOk());
  EXPECT_THAT(Report(), HasReason("RUN_ALREADY_ENDED"));
}

TEST_F(ReportTest, RunsThatAreNotThereAreNotFound) {
  attempt_.set_run("runs/none");
  EXPECT_THAT(Report(), HasReason("RUN_NOT_FOUND"));
  EXPECT_THAT(Complete(Failed("x")), HasReason("RUN_NOT_FOUND"));
  EXPECT_THAT(Upload(0, 1), HasReason("RUN_NOT_FOUND"));
  attempt_.set_run("../r1");
  EXPECT_THAT(Report(), HasReason("INVALID_RESOURCE_NAME"));
  EXPECT_THAT(Complete(Failed("x")), HasReason("INVALID_RESOURCE_NAME"));
  EXPECT_THAT(Upload(0, 1), HasReason("INVALID_RESOURCE_NAME"));
}

TEST_F(ReportTest, AnotherAgentIsRefusedAndRecordedOnceAMinute) {
  BecomeDb2();
  EXPECT_THAT(Report(), HasReason("NOT_ALLOWED"));
  EXPECT_THAT(Complete(Failed("x")), HasReason("NOT_ALLOWED"));
  EXPECT_THAT(Upload(0, 1), HasReason("NOT_ALLOWED"));
  EXPECT_THAT(Report(), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_EQ(Stored().state(), v1::PENDING);
  ASSERT_THAT(server_.store().events(), SizeIs(1));
  EXPECT_EQ(server_.store().events()[0].actor(), "agents/db2");
  EXPECT_EQ(server_.store().events()[0].subject(), "runs/r1");
  server_.clock().Advance(absl::Minutes(1));
  EXPECT_THAT(Report(), HasReason("NOT_ALLOWED"));
  EXPECT_THAT(server_.store().events(), SizeIs(2));
}

TEST_F(ReportTest, TheEndIsStoredOnceHoweverOftenItIsTold) {
  ASSERT_THAT(Report(), IsOk());
  const absl::StatusOr<v1::CompleteRunResponse> first = Complete(Failed("connection refused"));
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(first->state(), v1::FAILED);
  const size_t event_count = server_.store().events().size();
  EXPECT_EQ(Complete(Failed("connection refused"))->state(), v1::FAILED);
  EXPECT_EQ(server_.store().events().size(), event_count);
  EXPECT_EQ(Stored().failure().message(), "connection refused");
}

TEST_F(ReportTest, TheEndWakesTheAgentAndThoseWhoWatch) {
  std::atomic<int> agent = 0;
  std::atomic<int> run = 0;
  const auto agent_subscription = server_.feed().Subscribe("agents/db1", [&] { ++agent; });
  const auto run_subscription = server_.feed().Subscribe("runs/r1", [&] { ++run; });
  ASSERT_THAT(Complete(Failed("x")), IsOk());
  EXPECT_EQ(agent, 1);
  EXPECT_EQ(run, 1);
}

TEST_F(ReportTest, ASuccessWithoutProofIsRefused) {
  ASSERT_THAT(Report(), IsOk());
  v1::RunResult result;
  result.set_state(v1::SUCCEEDED);
  EXPECT_THAT(Complete(result), HasReason("RESULT_INVALID"));
  EXPECT_EQ(Stored().state(), v1::RUNNING);
}

TEST_F(ReportTest, TextOfAFailureIsCleanedAndCut) {
  v1::RunResult result = Failed("\x1b]0;owned\x07 line\n" + std::string(5000, 'x'));
  for (int i = 0; i < 100; ++i) {
    result.mutable_failure()->add_stderr_lines(std::string(2000, 'y') + "\r");
  }
  ASSERT_THAT(Report(), IsOk());
  ASSERT_THAT(Complete(result), IsOk());
  const v1::Failure failure = Stored().failure();
  EXPECT_LE(failure.message().size(), 1000u);
  EXPECT_THAT(failure.message(), ::testing::StartsWith("\\x1b]0;owned\\x07 line\\n"));
  ASSERT_THAT(failure.stderr_lines(), SizeIs(40));
  EXPECT_LE(failure.stderr_lines(0).size(), 500u);
}

TEST_F(ReportTest, LogLinesArriveOnceAndClean) {
  ASSERT_THAT(Report(), IsOk());
  EXPECT_EQ(Upload(0, 2, "a\x1b[31mb")->next_offset(), 2);
  EXPECT_EQ(Upload(0, 3, "again")->next_offset(), 3);
  const auto lines = server_.store().ListRunLog("runs/r1", 0, 10);
  ASSERT_THAT(lines, IsOk());
  ASSERT_THAT(*lines, SizeIs(3));
  EXPECT_EQ((*lines)[0].text(), "a\\x1b[31mb");
  EXPECT_EQ((*lines)[2].text(), "again");
}

TEST_F(ReportTest, ARunThatIsTriedAgainKeepsTheLinesOfBothAttempts) {
  v1::Policy policy;
  policy.set_name("policies/nightly");
  v1::RetrySpec& retry = *policy.mutable_spec()->mutable_schedule()->mutable_retry();
  retry.set_attempts(2);
  *retry.mutable_backoff() = ToProto(absl::Minutes(1));
  server_.store().PutPolicy(policy, server_.clock().Now());
  v1::Run run = Stored();
  run.set_policy(policy.name());
  run.set_manual(false);
  server_.store().PutRun(run);
  std::atomic<int> woken = 0;
  const auto subscription = server_.feed().Subscribe("agents/db1", [&] { ++woken; });
  ASSERT_THAT(Report(), IsOk());
  EXPECT_EQ(Upload(0, 2, "first")->next_offset(), 2);

  EXPECT_EQ(Complete(Failed("gone"))->state(), v1::PENDING);
  EXPECT_EQ(woken, 1) << "it is to start again";
  EXPECT_EQ(Complete(Failed("gone"))->state(), v1::PENDING) << "the answer was lost";
  EXPECT_EQ(Stored().epoch(), 2);
  EXPECT_EQ(Upload(2, 1, "first, last")->next_offset(), 3) << "what was written before the end";

  attempt_.set_attempt_id("attempt2");
  attempt_.set_epoch(2);
  ASSERT_THAT(Report(), IsOk());
  EXPECT_EQ(Upload(0, 1, "second")->next_offset(), 1);
  EXPECT_EQ(Complete(Failed("gone again"))->state(), v1::FAILED);
  std::vector<std::string> lines;
  const std::vector<v1::RunLogLine> stored = *server_.store().ListRunLog("runs/r1", 0, 100);
  for (const v1::RunLogLine& line : stored) {
    lines.push_back(line.text());
  }
  EXPECT_THAT(lines, ::testing::ElementsAre("first", "first", "first, last", "second"));
}

TEST_F(ReportTest, ALogHasItsBounds) {
  ASSERT_THAT(Report(), IsOk());
  EXPECT_THAT(Upload(0, 1001), HasReason("INVALID_FIELD"));
  EXPECT_THAT(Upload(-1, 1), HasReason("INVALID_FIELD"));
  EXPECT_THAT(Upload(100'000, 1), HasReason("INVALID_FIELD"));
  EXPECT_EQ(server_.store().ListRunLog("runs/r1", 0, 10)->size(), 0u);
}

TEST_F(ReportTest, SaysThatTheCatalogIsAway) {
  server_.store().SetUnavailable(true);
  EXPECT_THAT(Report(), HasReason("CATALOG_UNAVAILABLE"));
  EXPECT_THAT(Complete(Failed("x")), HasReason("CATALOG_UNAVAILABLE"));
  EXPECT_THAT(Upload(0, 1), HasReason("CATALOG_UNAVAILABLE"));
}

TEST_F(ReportTest, AnAnswerThatGotLostIsRepeatedWithoutHarm) {
  ASSERT_THAT(Report(), IsOk());
  server_.store().LoseNextAnswer();
  EXPECT_THAT(Complete(Failed("x")), HasReason("CATALOG_UNAVAILABLE"));
  EXPECT_EQ(Complete(Failed("x"))->state(), v1::FAILED);
}

}  // namespace
}  // namespace backup::server
