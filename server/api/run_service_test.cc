// SPDX-License-Identifier: Apache-2.0
#include "server/api/run_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/api/api_test_server.h"
#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::Property;
using ::testing::SizeIs;
using Stub = v1::RunService::Stub;

constexpr char kShop[] = "agents/db1/databases/shop";

class RunServiceTest : public ::testing::Test {
 protected:
  RunServiceTest() { server_.PutAgent("db1", {"shop", "crm"}); }

  absl::StatusOr<v1::Run> Create(const v1::Run& run, const std::string& request_id = "") {
    v1::CreateRunRequest request;
    *request.mutable_run() = run;
    request.set_request_id(request_id);
    return Call(stub_, &Stub::CreateRun, request);
  }
  absl::StatusOr<v1::Run> CreateBackup(const std::string& database, const std::string& policy = "") {
    v1::Run run;
    run.set_kind(v1::BACKUP);
    run.set_database(database);
    run.set_policy(policy);
    return Create(run);
  }
  absl::StatusOr<v1::Run> Cancel(const std::string& name) {
    v1::CancelRunRequest request;
    request.set_name(name);
    request.set_reason("not\nnow");
    return Call(stub_, &Stub::CancelRun, request);
  }

  ApiTestServer server_;
  const std::unique_ptr<Stub> stub_ = v1::RunService::NewStub(server_.Dial(server_.User("alice")));
};

TEST_F(RunServiceTest, CreatesABackupThatIsDueNowAndTellsTheAgent) {
  std::atomic<int> published = 0;
  const auto subscription = server_.feed().Subscribe("agents/db1", [&] { ++published; });
  const absl::StatusOr<v1::Run> run = CreateBackup(kShop);
  ASSERT_THAT(run, IsOk());
  EXPECT_EQ(run->state(), v1::PENDING);
  EXPECT_TRUE(run->manual());
  EXPECT_EQ(run->policy(), "");
  EXPECT_EQ(published, 1);
  ASSERT_THAT(server_.store().events(), SizeIs(1));
  EXPECT_EQ(server_.store().events()[0].type(), "RUN_REQUESTED");
  EXPECT_EQ(server_.store().events()[0].actor(), "users/alice");
}

TEST_F(RunServiceTest, CreateTakesThePolicyThatCoversTheDatabase) {
  v1::Policy policy = server_.PutPolicy("nightly");
  const absl::StatusOr<v1::Run> run = CreateBackup(kShop);
  ASSERT_THAT(run, IsOk());
  EXPECT_EQ(run->policy(), "policies/nightly");
  EXPECT_EQ(CreateBackup(kShop, "policies/nightly")->policy(), "policies/nightly");
  EXPECT_THAT(CreateBackup(kShop, "policies/none"), HasReason("POLICY_NOT_FOUND"));
  policy.mutable_spec()->mutable_databases(0)->set_database("crm");
  server_.store().PutPolicy(policy, server_.clock().Now());
  EXPECT_THAT(CreateBackup(kShop, "policies/nightly"), HasReason("DATABASE_NOT_COVERED"));
  EXPECT_EQ(CreateBackup(kShop)->policy(), "");
}

TEST_F(RunServiceTest, CreateIsIdempotentByRequestId) {
  v1::Run wanted;
  wanted.set_kind(v1::BACKUP);
  wanted.set_database(kShop);
  const std::string id = "0e8400e2-9b41-4d41-a716-446655440000";
  const absl::StatusOr<v1::Run> first = Create(wanted, id);
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(Create(wanted, id)->name(), first->name());
  EXPECT_NE(Create(wanted)->name(), first->name());
}

TEST_F(RunServiceTest, CreateSaysWhichFieldIsWrong) {
  const auto field_of = [](const absl::StatusOr<v1::Run>& run) {
    EXPECT_THAT(run, HasReason("INVALID_FIELD"));
    const auto infos = GetErrorInfos(run.status());
    return infos.empty() ? "" : infos[0].metadata().at("field");
  };
  v1::Run run;
  EXPECT_EQ(field_of(Create(run)), "run.kind");
  run.set_kind(static_cast<v1::RunKind>(99));
  EXPECT_EQ(field_of(Create(run)), "run.kind");
  run.set_kind(v1::BACKUP);
  EXPECT_EQ(field_of(Create(run)), "run.database");
  run.set_database(kShop);
  run.set_policy("nightly");
  EXPECT_EQ(field_of(Create(run)), "run.policy");
  run.clear_policy();
  EXPECT_EQ(field_of(Create(run, "one or two")), "request_id");
  EXPECT_EQ(field_of(Create(run, std::string(65, 'a'))), "request_id");
  run.set_kind(v1::VERIFY);
  run.set_backup("x");
  EXPECT_EQ(field_of(Create(run)), "run.backup");
}

TEST_F(RunServiceTest, CreateKnowsWhatIsNotThere) {
  EXPECT_THAT(CreateBackup("agents/db1/databases/none"), HasReason("DATABASE_NOT_FOUND"));
  v1::Run verify;
  verify.set_kind(v1::VERIFY);
  verify.set_backup("backups/20261123T220000Z-7k3m9q2x4d");
  EXPECT_THAT(Create(verify), HasReason("BACKUP_NOT_FOUND"));
}

TEST_F(RunServiceTest, CreatesAVerificationOfABackup) {
  v1::Backup backup;
  backup.set_name("backups/20261123T220000Z-7k3m9q2x4d");
  backup.set_database(kShop);
  backup.set_manifest_sha256(std::string(64, 'a'));
  server_.store().PutBackup(backup);
  v1::Run verify;
  verify.set_kind(v1::VERIFY);
  verify.set_backup(backup.name());
  const absl::StatusOr<v1::Run> run = Create(verify);
  ASSERT_THAT(run, IsOk());
  EXPECT_EQ(run->database(), kShop);
  EXPECT_EQ(run->spec().backup_id(), "20261123T220000Z-7k3m9q2x4d");
  EXPECT_EQ(run->spec().manifest_sha256(), backup.manifest_sha256());
}

TEST_F(RunServiceTest, CancelsAtOnceWhatNoAgentHolds) {
  server_.PutPendingRun("r1", "db1", "shop");
  std::atomic<int> published = 0;
  const auto agent = server_.feed().Subscribe("agents/db1", [&] { ++published; });
  const auto run_feed = server_.feed().Subscribe("runs/r1", [&] { ++published; });
  const absl::StatusOr<v1::Run> run = Cancel("runs/r1");
  ASSERT_THAT(run, IsOk());
  EXPECT_EQ(run->state(), v1::CANCELLED);
  EXPECT_THAT(run->state_reason(), ::testing::HasSubstr("not\\nnow"));
  EXPECT_EQ(published, 2);
  EXPECT_THAT(Cancel("runs/r1"), HasReason("RUN_ALREADY_ENDED"));
  EXPECT_THAT(Cancel("runs/none"), HasReason("RUN_NOT_FOUND"));
}

TEST_F(RunServiceTest, AsksTheAgentToCancelWhatItHolds) {
  v1::Run run = server_.PutPendingRun("r1", "db1", "shop");
  run.set_delivered(true);
  server_.store().PutRun(run);
  const absl::StatusOr<v1::Run> cancelled = Cancel("runs/r1");
  ASSERT_THAT(cancelled, IsOk());
  EXPECT_EQ(cancelled->state(), v1::PENDING);
  EXPECT_TRUE(cancelled->cancel_requested());
}

TEST_F(RunServiceTest, GetsAndListsByFilter) {
  server_.PutPendingRun("r1", "db1", "shop");
  server_.PutPendingRun("r2", "db1", "crm");
  v1::GetRunRequest get;
  get.set_name("runs/r1");
  EXPECT_EQ(Call(stub_, &Stub::GetRun, get)->database(), kShop);
  get.set_name("r1");
  EXPECT_THAT(Call(stub_, &Stub::GetRun, get), HasReason("INVALID_RESOURCE_NAME"));

  v1::ListRunsRequest list;
  EXPECT_THAT(Call(stub_, &Stub::ListRuns, list)->runs(),
              ElementsAre(Property(&v1::Run::name, "runs/r2"), Property(&v1::Run::name, "runs/r1")));
  list.mutable_filter()->set_database(kShop);
  EXPECT_THAT(Call(stub_, &Stub::ListRuns, list)->runs(), ElementsAre(Property(&v1::Run::name, "runs/r1")));
  list.mutable_filter()->add_states(v1::RUNNING);
  EXPECT_THAT(Call(stub_, &Stub::ListRuns, list)->runs(), SizeIs(0));
}

TEST_F(RunServiceTest, ListRefusesAFilterThatCannotMatch) {
  for (const char* wrong : {"agent", "database", "policy"}) {
    v1::ListRunsRequest list;
    const auto* field = v1::RunFilter::descriptor()->FindFieldByName(wrong);
    v1::RunFilter::GetReflection()->SetString(list.mutable_filter(), field, "not a name");
    EXPECT_THAT(Call(stub_, &Stub::ListRuns, list), HasReason("INVALID_FIELD")) << wrong;
  }
  v1::ListRunsRequest list;
  list.mutable_filter()->add_states(v1::RUN_STATE_UNSPECIFIED);
  EXPECT_THAT(Call(stub_, &Stub::ListRuns, list), HasReason("INVALID_FIELD"));
  list.mutable_filter()->set_states(0, static_cast<v1::RunState>(77));
  EXPECT_THAT(Call(stub_, &Stub::ListRuns, list), HasReason("INVALID_FIELD"));
}

TEST_F(RunServiceTest, ListsLogLinesFromAnOffset) {
  server_.PutPendingRun("r1", "db1", "shop");
  std::vector<v1::RunLogLine> lines(3);
  for (int i = 0; i < 3; ++i) {
    lines[i].set_offset(i);
    lines[i].set_text("line");
  }
  ASSERT_THAT(server_.store().AppendRunLog("runs/r1", lines), IsOk());
  v1::ListRunLogLinesRequest request;
  request.set_name("runs/r1");
  request.set_offset(1);
  EXPECT_THAT(Call(stub_, &Stub::ListRunLogLines, request)->lines(), SizeIs(2));
  request.set_page_size(1);
  EXPECT_THAT(Call(stub_, &Stub::ListRunLogLines, request)->lines(), ElementsAre(Property(&v1::RunLogLine::offset, 1)));
  request.set_offset(-1);
  EXPECT_THAT(Call(stub_, &Stub::ListRunLogLines, request), HasReason("INVALID_FIELD"));
  request.set_offset(0);
  request.set_name("runs/none");
  EXPECT_THAT(Call(stub_, &Stub::ListRunLogLines, request), HasReason("RUN_NOT_FOUND"));
}

}  // namespace
}  // namespace backup::server
