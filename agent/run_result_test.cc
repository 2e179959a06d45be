// SPDX-License-Identifier: Apache-2.0
#include "agent/run_result.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "agent/pipeline/job_failure.h"
#include "base/proto_json.h"

namespace backup::agent {
namespace {

using ::testing::HasSubstr;

const absl::Time kStart = absl::FromUnixSeconds(1'795'000'000);
const absl::Time kEnd = kStart + absl::Minutes(5);

TEST(RunResultTest, ACancelledJobIsCancelledForTheReasonGiven) {
  Cancellation cancellation;
  cancellation.Cancel("it was cancelled on request");

  const v1::RunResult result =
      EndedWithError(JobError(v1::CANCELLED_BY_USER, "pg_dump was stopped"), cancellation, kStart, kEnd);

  EXPECT_EQ(result.state(), v1::CANCELLED);
  EXPECT_EQ(result.state_reason(), "it was cancelled on request");
  EXPECT_EQ(ToAbsl(result.start_time()), kStart);
  EXPECT_EQ(ToAbsl(result.end_time()), kEnd);
}

TEST(RunResultTest, AnotherFailureStaysOneThoughTheJobWasCancelledToo) {
  Cancellation cancellation;
  cancellation.Cancel("it was cancelled on request");

  const v1::RunResult result = EndedWithError(JobError(v1::DISK_FULL, "no space"), cancellation, kStart, kEnd);

  EXPECT_EQ(result.state(), v1::FAILED);
  EXPECT_EQ(result.failure().cause(), v1::DISK_FULL);
}

TEST(RunResultTest, ACancelledJobThatNobodyCancelledFailed) {
  const v1::RunResult result = EndedWithError(JobError(v1::CANCELLED_BY_USER, "stopped"), Cancellation(), kStart, kEnd);

  EXPECT_EQ(result.state(), v1::FAILED);
}

TEST(RunResultTest, AnAttemptThatWasCutOffIsLostByTheAgent) {
  v1::Run attempt;
  *attempt.mutable_start_time() = ToProto(kStart);

  const v1::RunResult result = CutOff(attempt, kEnd);

  EXPECT_EQ(result.state(), v1::FAILED);
  EXPECT_EQ(result.failure().cause(), v1::AGENT_LOST);
  EXPECT_THAT(result.failure().message(), HasSubstr("the agent stopped during the run"));
  EXPECT_EQ(ToAbsl(result.start_time()), kStart);
}

v1::CompleteRunRequest ResultWithTables(int count) {
  v1::CompleteRunRequest request;
  request.mutable_result()->set_state(v1::SUCCEEDED);
  for (int i = 0; i < count; ++i) {
    v1::TableFacts& table = *request.mutable_result()->mutable_manifest()->add_tables();
    table.set_schema("public");
    table.set_name(absl::StrCat("table_number_", i));
    table.set_row_count(i);
    table.set_content_hash("0123456789abcdef0123456789abcdef");
  }
  return request;
}

TEST(RunResultTest, AResultThatFitsIsLeftAsItIs) {
  v1::CompleteRunRequest request = ResultWithTables(10);
  const std::string before = request.SerializeAsString();

  FitIntoMessage(request, 1'000'000);

  EXPECT_EQ(request.SerializeAsString(), before);
}

TEST(RunResultTest, AResultOfTooManyTablesLosesTheLeastNeededFactsFirst) {
  v1::CompleteRunRequest request = ResultWithTables(15'000);
  ASSERT_GT(request.ByteSizeLong(), 1'000'000u);

  FitIntoMessage(request, 1'000'000);

  EXPECT_LE(request.ByteSizeLong(), 1'000'000u);
  EXPECT_EQ(request.result().manifest().tables_size(), 15'000);
  EXPECT_EQ(request.result().manifest().tables(0).content_hash(), "");
  EXPECT_THAT(request.result().manifest().warnings(0), HasSubstr("content hashes were left out"));

  request = ResultWithTables(100'000);
  FitIntoMessage(request, 1'000'000);
  EXPECT_LE(request.ByteSizeLong(), 1'000'000u);
}

}  // namespace
}  // namespace backup::agent
