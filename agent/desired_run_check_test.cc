// SPDX-License-Identifier: Apache-2.0
#include "agent/desired_run_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "agent/testing/fake_controller_link.h"
#include "base/proto_json.h"
#include "base/resource_name.h"
#include "tests/testing/matchers.h"

namespace backup::agent {
namespace {

using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::MakeDesiredRun;

v1::DesiredRun Drill() {
  v1::DesiredRun run = MakeDesiredRun("a", "orders", absl::UnixEpoch());
  run.set_kind(v1::DRILL);
  run.mutable_spec()->set_backup_id("20261123T220000Z-7k3m9q2x4d");
  return run;
}

v1::DesiredRun Restore() {
  v1::DesiredRun run = Drill();
  run.set_kind(v1::RESTORE);
  run.mutable_spec()->mutable_restore()->set_target("standby");
  run.mutable_spec()->mutable_restore()->set_database("orders restored");
  return run;
}

class CheckDesiredRunTest : public ::testing::Test {
 protected:
  absl::StatusOr<const DatabaseConfig*> Check(const std::function<void(v1::DesiredRun&)>& change) const {
    v1::DesiredRun run = MakeDesiredRun("a", "orders", absl::UnixEpoch());
    change(run);
    return CheckDesiredRun(run, "db1", databases_, {{"standby", {"postgresql://h/postgres", ""}}});
  }
  const std::vector<DatabaseConfig> databases_ = {{"shop", "shop", {}, {}}, {"orders", "orders", {}, {}}};
};

TEST_F(CheckDesiredRunTest, FindsTheDatabaseInTheAgentsOwnFile) {
  const absl::StatusOr<const DatabaseConfig*> database = Check([](v1::DesiredRun&) {});
  ASSERT_THAT(database, IsOk());
  EXPECT_EQ((*database)->id, "orders");
}

TEST_F(CheckDesiredRunTest, RefusesEveryOtherDatabase) {
  for (const std::string& name :
       {MakeDatabaseName("db1", "payroll"), MakeDatabaseName("db2", "orders"), MakeDatabaseName("db1", "orders "),
        std::string("agents/db1/databases/../orders"), std::string("postgresql://attacker/x"), std::string()}) {
    EXPECT_THAT(Check([&](v1::DesiredRun& run) { run.set_database(name); }), HasReason("WRONG_DATABASE")) << name;
  }
}

TEST_F(CheckDesiredRunTest, RefusesWhatNoAgentDoes) {
  const std::vector<std::function<void(v1::DesiredRun&)>> changes = {
      [](v1::DesiredRun& run) { run.set_kind(v1::RUN_KIND_UNSPECIFIED); },
      [](v1::DesiredRun& run) { run.set_kind(static_cast<v1::RunKind>(77)); },
      [](v1::DesiredRun& run) { run.set_policy("policies/../x"); },
      [](v1::DesiredRun& run) { run.mutable_spec()->mutable_dump()->set_jobs(65); },
      [](v1::DesiredRun& run) { run.mutable_spec()->mutable_dump()->set_jobs(-1); },
      [](v1::DesiredRun& run) { run.mutable_spec()->mutable_dump()->set_threads(65); },
      [](v1::DesiredRun& run) { run.mutable_spec()->mutable_dump()->set_max_bytes_per_second(-1); },
      [](v1::DesiredRun& run) { run.mutable_spec()->mutable_dump()->set_compression(static_cast<v1::Codec>(9)); },
      [](v1::DesiredRun& run) { *run.mutable_spec()->mutable_dump()->mutable_timeout() = ToProto(-absl::Seconds(1)); },
      [](v1::DesiredRun& run) {
        *run.mutable_spec()->mutable_dump()->mutable_stall_timeout() = ToProto(absl::Hours(24 * 8));
      },
      [](v1::DesiredRun& run) { run.mutable_spec()->mutable_dump()->mutable_lock_timeout()->set_seconds(INT64_MAX); },
      [](v1::DesiredRun& run) { run.mutable_spec()->mutable_verify()->set_min_bytes(-1); },
      [](v1::DesiredRun& run) { run.mutable_spec()->mutable_verify()->add_key_tables(std::string(2000, 'x')); },
      [](v1::DesiredRun& run) {
        run.set_kind(v1::VERIFY);
        run.mutable_spec()->set_backup_id("../../etc");
      },
      [](v1::DesiredRun& run) { run.set_kind(v1::VERIFY); },
      [](v1::DesiredRun& run) { run.set_kind(v1::DRILL); },
      [](v1::DesiredRun& run) {
        run = Drill();
        run.mutable_spec()->mutable_drill()->set_jobs(65);
      },
      [](v1::DesiredRun& run) {
        run = Drill();
        run.mutable_spec()->mutable_drill()->add_assertions(std::string(4'097, 'x'));
      },
      [](v1::DesiredRun& run) {
        run = Drill();
        for (int i = 0; i < 1'001; ++i) {
          run.mutable_spec()->mutable_drill()->add_assertions("SELECT true");
        }
      },
  };
  for (size_t i = 0; i < changes.size(); ++i) {
    EXPECT_THAT(Check(changes[i]), HasReason("INTERNAL")) << i;
  }
}

TEST_F(CheckDesiredRunTest, RestoresOnlyToTheServersOfItsOwnFile) {
  EXPECT_THAT(Check([](v1::DesiredRun& run) { run = Restore(); }), IsOk());
  for (const char* target : {"", "production", "postgresql://attacker/x"}) {
    EXPECT_THAT(Check([&](v1::DesiredRun& run) {
                  run = Restore();
                  run.mutable_spec()->mutable_restore()->set_target(target);
                }),
                HasReason("RESTORE_REFUSED"))
        << target;
  }
  for (const std::string& name : {std::string(), std::string(64, 'x'), std::string("a\0b", 3)}) {
    EXPECT_THAT(Check([&](v1::DesiredRun& run) {
                  run = Restore();
                  run.mutable_spec()->mutable_restore()->set_database(name);
                }),
                HasReason("INTERNAL"))
        << name;
  }
  for (const std::string& name : {std::string(64, 'x'), std::string("a\0b", 3)}) {
    EXPECT_THAT(Check([&](v1::DesiredRun& run) {
                  run = Restore();
                  run.mutable_spec()->mutable_restore()->set_into_schema(name);
                }),
                HasReason("INTERNAL"))
        << name;
  }
}

TEST_F(CheckDesiredRunTest, TakesASpecAtItsLimits) {
  EXPECT_THAT(Check([](v1::DesiredRun& run) {
                v1::DumpSpec& dump = *run.mutable_spec()->mutable_dump();
                dump.set_jobs(64);
                dump.set_compression(v1::NONE);
                *dump.mutable_timeout() = ToProto(absl::Hours(24 * 7));
                run.mutable_spec()->mutable_verify()->add_key_tables("public.students");
              }),
              IsOk());
  EXPECT_THAT(Check([](v1::DesiredRun& run) {
                run.set_kind(v1::VERIFY);
                run.mutable_spec()->set_backup_id("20261123T220000Z-7k3m9q2x4d");
              }),
              IsOk());
  EXPECT_THAT(Check([](v1::DesiredRun& run) {
                run = Drill();
                run.mutable_spec()->mutable_drill()->set_jobs(64);
                run.mutable_spec()->mutable_drill()->add_assertions(std::string(4'096, 'x'));
              }),
              IsOk());
}

}  // namespace
}  // namespace backup::agent
