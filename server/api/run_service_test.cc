// SPDX-License-Identifier: Apache-2.0
#include "server/api/run_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/errors.h"
#include "server/api/api_test_server.h"
#include "server/domain/test_data.h"
#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using ::backup::testing::EqualsProto;
using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::NightlyPolicy;
using ::testing::ElementsAre;
using ::testing::Property;
using ::testing::SizeIs;
using RunServiceStub = v1::RunService::Stub;

constexpr char kShop[] = "agents/db1/databases/shop";

class RunServiceTest : public ::testing::Test {
 protected:
  RunServiceTest() { server_.PutAgent("db1", {"shop", "crm"}); }

  absl::StatusOr<v1::Run> Create(const v1::Run& run, const std::string& request_id = "") {
    v1::CreateRunRequest request;
    *request.mutable_run() = run;
    request.set_request_id(request_id);
    return Call(stub_, &RunServiceStub::CreateRun, request);
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
    return Call(stub_, &RunServiceStub::CancelRun, request);
  }

  ApiTestServer server_;
  const std::unique_ptr<RunServiceStub> stub_ = v1::RunService::NewStub(server_.Dial(server_.User("alice")));
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

TEST_F(RunServiceTest, OfSeveralPoliciesThatCoverADatabaseOneHasToBeNamed) {
  server_.PutPolicy("nightly");
  server_.PutPolicy("weekly");
  EXPECT_THAT(CreateBackup(kShop), HasReason("POLICY_AMBIGUOUS"));
  EXPECT_EQ(CreateBackup(kShop, "policies/weekly")->policy(), "policies/weekly");
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

v1::Backup StoredBackup() {
  v1::Backup backup;
  backup.set_name("backups/20261123T220000Z-7k3m9q2x4d");
  backup.set_database(kShop);
  backup.set_state(v1::GOOD);
  backup.set_manifest_sha256(std::string(64, 'a'));
  return backup;
}

TEST_F(RunServiceTest, CreatesADrillOfABackupAsItsPolicyHasIt) {
  v1::Policy policy = NightlyPolicy();
  policy.mutable_spec()->mutable_dump()->set_jobs(3);
  policy.mutable_spec()->mutable_drill()->set_cron("@monthly");
  policy.mutable_spec()->mutable_drill()->add_assertions("SELECT 1 = 1");
  *policy.mutable_spec()->mutable_drill()->mutable_max_duration() = ToProto(absl::Minutes(30));
  server_.store().PutPolicy(policy, absl::UnixEpoch());
  v1::Backup backup = StoredBackup();
  backup.set_policy(policy.name());
  server_.store().PutBackup(backup);
  v1::Run drill;
  drill.set_kind(v1::DRILL);
  drill.set_backup(backup.name());

  absl::StatusOr<v1::Run> run = Create(drill);

  ASSERT_THAT(run, IsOk());
  EXPECT_EQ(run->kind(), v1::DRILL);
  EXPECT_EQ(run->backup(), backup.name());
  EXPECT_EQ(run->spec().manifest_sha256(), backup.manifest_sha256());
  EXPECT_THAT(run->spec().drill(), EqualsProto(R"pb(
                jobs: 3
                max_duration { seconds: 1800 }
                assertions: "SELECT 1 = 1"
              )pb"));

  drill.mutable_spec()->mutable_drill()->add_assertions("SELECT 2 = 2");
  drill.mutable_spec()->mutable_drill()->set_jobs(1);
  run = Create(drill);
  ASSERT_THAT(run, IsOk());
  EXPECT_THAT(run->spec().drill(), EqualsProto(R"pb(
                jobs: 1
                max_duration { seconds: 1800 }
                assertions: "SELECT 2 = 2"
              )pb"));
}

TEST_F(RunServiceTest, CreatesADrillOfTheNewestGoodBackupOfADatabase) {
  v1::Run drill;
  drill.set_kind(v1::DRILL);
  drill.set_database(kShop);
  EXPECT_THAT(Create(drill), HasReason("NO_GOOD_BACKUP"));

  server_.store().PutBackup(StoredBackup());
  const absl::StatusOr<v1::Run> run = Create(drill);
  ASSERT_THAT(run, IsOk());
  EXPECT_EQ(run->backup(), StoredBackup().name());
}

TEST_F(RunServiceTest, RefusesADrillThatNoAgentWouldDo) {
  server_.store().PutBackup(StoredBackup());
  for (const auto& spoil : std::vector<std::function<void(v1::Run&)>>{
           [](v1::Run& run) { run.set_backup("x"); }, [](v1::Run& run) { run.clear_backup(); },
           [](v1::Run& run) { run.mutable_spec()->mutable_drill()->set_jobs(65); },
           [](v1::Run& run) { run.mutable_spec()->mutable_drill()->add_assertions(""); },
           [](v1::Run& run) { run.mutable_spec()->mutable_drill()->add_assertions(std::string(4097, 'x')); },
           [](v1::Run& run) { run.mutable_spec()->mutable_drill()->mutable_max_duration()->set_seconds(-1); }}) {
    v1::Run drill;
    drill.set_kind(v1::DRILL);
    drill.set_backup(StoredBackup().name());
    spoil(drill);
    EXPECT_THAT(Create(drill), HasReason("INVALID_FIELD")) << drill.DebugString();
  }
}

class CreateRestoreTest : public RunServiceTest {
 protected:
  CreateRestoreTest() {
    server_.store().PutBackup(StoredBackup());
    wanted_.set_kind(v1::RESTORE);
    wanted_.set_backup(StoredBackup().name());
    wanted_.mutable_spec()->mutable_restore()->set_target("standby");
    wanted_.mutable_spec()->mutable_restore()->set_database("shop_restored");
  }
  // What the agent says of itself.
  void AgentHas(const std::vector<std::string>& targets) {
    AgentReport report;
    report.agent.set_name("agents/db1");
    report.sequence = ++sequence_;
    for (const std::string& target : targets) {
      report.agent.add_restore_targets(target);
    }
    v1::Database shop;
    shop.set_name(kShop);
    report.databases.push_back(shop);
    EXPECT_THAT(server_.store().RecordAgentReport(report), IsOk());
  }

  v1::Run wanted_;
  int64_t sequence_ = 10;
};

TEST_F(CreateRestoreTest, CreatesARestoreToAServerThatTheAgentNames) {
  AgentHas({"standby"});

  const absl::StatusOr<v1::Run> run = Create(wanted_);

  ASSERT_THAT(run, IsOk());
  EXPECT_EQ(run->database(), kShop);
  EXPECT_EQ(run->spec().backup_id(), "20261123T220000Z-7k3m9q2x4d");
  EXPECT_EQ(run->spec().manifest_sha256(), StoredBackup().manifest_sha256());
  EXPECT_THAT(run->spec().restore(), EqualsProto(wanted_.spec().restore()));
  wanted_.clear_backup();
  wanted_.set_database(kShop);
  EXPECT_EQ(Create(wanted_)->backup(), StoredBackup().name());
}

TEST_F(CreateRestoreTest, RefusesAServerThatTheAgentDoesNotName) {
  AgentHas({});
  EXPECT_THAT(Create(wanted_), HasReason("RESTORE_TARGET_UNKNOWN"));
  AgentHas({"other"});
  const absl::StatusOr<v1::Run> run = Create(wanted_);
  EXPECT_THAT(run, HasReason("RESTORE_TARGET_UNKNOWN"));
  EXPECT_THAT(ErrorHint(run.status()), ::testing::HasSubstr("other"));
}

TEST_F(CreateRestoreTest, RefusesWhatNoAgentWouldDo) {
  AgentHas({"standby"});
  for (const auto& spoil : std::vector<std::function<void(v1::RestoreRunSpec&)>>{
           [](v1::RestoreRunSpec& restore) { restore.clear_database(); },
           [](v1::RestoreRunSpec& restore) { restore.set_database(std::string(64, 'x')); },
           [](v1::RestoreRunSpec& restore) { restore.set_into_schema(std::string(64, 'x')); },
           [](v1::RestoreRunSpec& restore) { restore.set_into_schema("pg_mine"); },
           [](v1::RestoreRunSpec& restore) {
             restore.set_into_schema("then");
             restore.set_create_roles(true);
           },
           [](v1::RestoreRunSpec& restore) { restore.set_jobs(65); },
           [](v1::RestoreRunSpec& restore) { restore.add_tables(""); },
           [](v1::RestoreRunSpec& restore) { restore.add_schemas(std::string(1025, 'x')); }}) {
    v1::Run run = wanted_;
    spoil(*run.mutable_spec()->mutable_restore());
    EXPECT_THAT(Create(run), HasReason("INVALID_FIELD")) << run.DebugString();
  }
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
  EXPECT_EQ(Call(stub_, &RunServiceStub::GetRun, get)->database(), kShop);
  get.set_name("r1");
  EXPECT_THAT(Call(stub_, &RunServiceStub::GetRun, get), HasReason("INVALID_RESOURCE_NAME"));

  v1::ListRunsRequest list;
  EXPECT_THAT(Call(stub_, &RunServiceStub::ListRuns, list)->runs(),
              ElementsAre(Property(&v1::Run::name, "runs/r2"), Property(&v1::Run::name, "runs/r1")));
  list.mutable_filter()->set_database(kShop);
  EXPECT_THAT(Call(stub_, &RunServiceStub::ListRuns, list)->runs(), ElementsAre(Property(&v1::Run::name, "runs/r1")));
  list.mutable_filter()->add_states(v1::RUNNING);
  EXPECT_THAT(Call(stub_, &RunServiceStub::ListRuns, list)->runs(), SizeIs(0));
}

TEST_F(RunServiceTest, ListRefusesAFilterThatCannotMatch) {
  for (const char* wrong : {"agent", "database", "policy"}) {
    v1::ListRunsRequest list;
    const auto* field = v1::RunFilter::descriptor()->FindFieldByName(wrong);
    v1::RunFilter::GetReflection()->SetString(list.mutable_filter(), field, "not a name");
    EXPECT_THAT(Call(stub_, &RunServiceStub::ListRuns, list), HasReason("INVALID_FIELD")) << wrong;
  }
  v1::ListRunsRequest list;
  list.mutable_filter()->add_states(v1::RUN_STATE_UNSPECIFIED);
  EXPECT_THAT(Call(stub_, &RunServiceStub::ListRuns, list), HasReason("INVALID_FIELD"));
  list.mutable_filter()->set_states(0, static_cast<v1::RunState>(77));
  EXPECT_THAT(Call(stub_, &RunServiceStub::ListRuns, list), HasReason("INVALID_FIELD"));
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
  EXPECT_THAT(Call(stub_, &RunServiceStub::ListRunLogLines, request)->lines(), SizeIs(2));
  request.set_page_size(1);
  EXPECT_THAT(Call(stub_, &RunServiceStub::ListRunLogLines, request)->lines(),
              ElementsAre(Property(&v1::RunLogLine::offset, 1)));
  request.set_offset(-1);
  EXPECT_THAT(Call(stub_, &RunServiceStub::ListRunLogLines, request), HasReason("INVALID_FIELD"));
  request.set_offset(0);
  request.set_name("runs/none");
  EXPECT_THAT(Call(stub_, &RunServiceStub::ListRunLogLines, request), HasReason("RUN_NOT_FOUND"));
}

}  // namespace
}  // namespace backup::server
