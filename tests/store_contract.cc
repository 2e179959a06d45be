// SPDX-License-Identifier: Apache-2.0
#include "tests/store_contract.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/random.h"
#include "base/resource_name.h"
#include "server/store/postgres_store.h"
#include "tests/testing/fake_store.h"

namespace backup::testing {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1795435200);

}  // namespace

absl::Time StoreContractTest::Now() { return kNow; }

void StoreContractTest::SetUp() {
  if (GetParam() == StoreKind::kFake) {
    auto fake = std::make_unique<FakeStore>();
    fake->SetRepeatDecisions(true);
    store_ = std::move(fake);
    return;
  }
  absl::StatusOr<std::unique_ptr<MiniCatalog>> catalog = MiniCatalog::Create();
  ASSERT_THAT(catalog, IsOk());
  catalog_ = *std::move(catalog);
  server::PostgresStoreOptions options;
  options.url = catalog_->url();
  absl::StatusOr<std::unique_ptr<server::PostgresStore>> store = server::PostgresStore::Create(options);
  ASSERT_THAT(store, IsOk());
  store_ = *std::move(store);
}

void StoreContractTest::AddAgent(const std::string& agent_id, const std::vector<std::string>& databases,
                                 absl::Time seen) {
  server::AgentReport report;
  if (seen != absl::InfinitePast()) *report.agent.mutable_last_seen_time() = ToProto(seen);
  report.agent.set_name(MakeAgentName(agent_id));
  report.agent.set_boot_id("boot1");
  if (!store().GetAgent(report.agent.name()).ok()) {
    const std::string token =
        TokenHash('0').substr(0, 44) + absl::StrFormat("%020x", std::hash<std::string>()(agent_id));
    v1::Agent enrolled;
    enrolled.set_name(report.agent.name());
    *enrolled.mutable_enroll_time() = ToProto(kNow - absl::Hours(48));
    ASSERT_THAT(store().PutEnrollmentToken(token, report.agent.name(), kNow + absl::Hours(1), {}), IsOk());
    ASSERT_THAT(store().UseEnrollmentToken(token, kNow, enrolled, {}), IsOk());
  }
  report.sequence = 1;
  for (const std::string& id : databases) {
    v1::Database database;
    database.set_name(MakeDatabaseName(agent_id, id));
    database.set_display_name("shown");
    report.databases.push_back(database);
  }
  ASSERT_THAT(store().RecordAgentReport(report), IsOk());
}

v1::Policy StoreContractTest::AddPolicy(const std::string& policy_id, bool paused) {
  const v1::Policy policy = TestPolicy(policy_id, paused);
  const absl::StatusOr<v1::Policy> stored =
      store().ChangePolicy(policy.name(), kNow, [&](const server::PolicyView&) -> absl::StatusOr<server::PolicyChange> {
        server::PolicyChange change;
        change.put_policy = policy;
        return change;
      });
  EXPECT_THAT(stored, IsOk());
  return stored.value_or(v1::Policy());
}

void StoreContractTest::Plan(const std::string& policy_id, const std::vector<v1::Run>& runs) {
  ASSERT_THAT(store().ChangePolicy(MakePolicyName(policy_id), kNow,
                                   [&](const server::PolicyView&) -> absl::StatusOr<server::PolicyChange> {
                                     server::PolicyChange change;
                                     change.create_runs = runs;
                                     return change;
                                   }),
              IsOk());
}

v1::Run StoreContractTest::AddRun(const v1::Run& run, const std::function<void(v1::Run&)>& change) {
  const absl::StatusOr<v1::Run> created = store().CreateRun(run, "", kNow, {});
  EXPECT_THAT(created, IsOk());
  if (change == nullptr) return created.value_or(v1::Run());
  return Change(run.name(), change);
}

v1::Run StoreContractTest::Change(const std::string& run_name, const std::function<void(v1::Run&)>& change) {
  const absl::StatusOr<v1::Run> changed =
      store().ChangeRun(run_name, [&](const server::RunView& view) -> absl::StatusOr<server::RunChange> {
        server::RunChange result{view.run, {}, {}};
        change(result.run);
        return result;
      });
  EXPECT_THAT(changed, IsOk());
  return changed.value_or(v1::Run());
}

void StoreContractTest::AddBackup(const v1::Backup& backup) {
  const v1::Run run = AddRun(ManualRun(absl::StrCat("carrier", ++backup_run_count_), backup.database()));
  ASSERT_THAT(store().ChangeRun(run.name(),
                                [&](const server::RunView& view) -> absl::StatusOr<server::RunChange> {
                                  server::RunChange change{view.run, {backup}, {}};
                                  change.run.set_state(v1::SUCCEEDED);
                                  change.run.set_backup(backup.name());
                                  return change;
                                }),
              IsOk());
}

v1::Policy TestPolicy(const std::string& policy_id, bool paused) {
  v1::Policy policy;
  policy.set_name(MakePolicyName(policy_id));
  (*policy.mutable_labels())["tier"] = "gold";
  policy.mutable_spec()->add_databases()->set_agent("*");
  policy.mutable_spec()->mutable_schedule()->set_cron("0 22 * * *");
  policy.mutable_spec()->mutable_schedule()->set_paused(paused);
  policy.mutable_spec()->mutable_dump()->set_globals(false);
  *policy.mutable_spec()->mutable_retention()->mutable_keep_within() = ToProto(absl::Hours(24 * 30));
  return policy;
}

v1::Run PlannedRun(const std::string& run_id, const std::string& policy_id, const std::string& database,
                   absl::Duration in) {
  v1::Run run;
  run.set_name(MakeRunName(run_id));
  run.set_kind(v1::BACKUP);
  run.set_database(MakeDatabaseName("db1", database));
  run.set_policy(MakePolicyName(policy_id));
  run.set_state(v1::SCHEDULED);
  *run.mutable_slot_time() = ToProto(kNow + in);
  *run.mutable_not_before_time() = ToProto(kNow + in + absl::Minutes(1));
  *run.mutable_start_deadline_time() = ToProto(kNow + in + absl::Hours(6));
  run.set_epoch(1);
  run.mutable_spec()->mutable_dump()->set_jobs(2);
  return run;
}

v1::Run ManualRun(const std::string& run_id, const std::string& database_name) {
  v1::Run run;
  run.set_name(MakeRunName(run_id));
  run.set_kind(v1::BACKUP);
  run.set_database(database_name);
  run.set_state(v1::PENDING);
  run.set_manual(true);
  run.set_epoch(1);
  *run.mutable_slot_time() = ToProto(kNow);
  *run.mutable_not_before_time() = ToProto(kNow);
  return run;
}

v1::Backup TestBackup(int minute, const std::string& database_name, v1::BackupState state) {
  v1::Backup backup;
  backup.set_name(MakeBackupName(MakeBackupId(kNow + absl::Minutes(minute), "0123456789")));
  backup.set_database(database_name);
  backup.set_policy("policies/nightly");
  backup.set_state(state);
  *backup.mutable_snapshot_time() = ToProto(kNow + absl::Minutes(minute));
  *backup.mutable_create_time() = ToProto(kNow + absl::Minutes(minute));
  backup.set_size_bytes(1000);
  backup.set_row_count(7);
  backup.mutable_manifest()->set_format_version(1);
  v1::TableFacts* table = backup.mutable_manifest()->add_tables();
  table->set_schema("public");
  table->set_name("orders \"x\" \\ '");
  table->set_row_count(7);
  return backup;
}

v1::Event TestEvent(const std::string& subject, const std::string& type) {
  v1::Event event;
  *event.mutable_time() = ToProto(kNow);
  event.set_actor("controller");
  event.set_subject(subject);
  event.set_type(type);
  event.set_message("it happened");
  return event;
}

std::string TokenHash(char digit) { return std::string(64, digit); }

}  // namespace backup::testing
