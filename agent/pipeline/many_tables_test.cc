// SPDX-License-Identifier: Apache-2.0
// Databases of more tables than the server's lock table was made for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "agent/pipeline/job.h"
#include "agent/pipeline/testing/backup_fixture.h"
#include "tests/testing/matchers.h"

namespace backup::agent {
namespace {

using agent::testing::BackupFixture;
using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::MiniPostgres;
using ::backup::testing::MiniPostgresOptions;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ManyTablesTest : public BackupFixture {
 protected:
  // A server whose lock table has room for `locks` times 20 objects.
  void StartServer(int locks) {
    MiniPostgresOptions options;
    options.settings = {{"max_connections", "20"},
                        {"max_locks_per_transaction", std::to_string(locks)},
                        {"max_prepared_transactions", "0"}};
    auto server = MiniPostgres::Create(options);
    ASSERT_THAT(server, IsOk());
    server_ = *std::move(server);
    ASSERT_THAT(server_->Execute("CREATE DATABASE many"), IsOk());
  }
  // `count` tables, every tenth with a row, and two that are worth a stream of their own.
  void MakeTables(int count) {
    constexpr int kAtOnce = 100;  // Making a table locks it too.
    for (int first = 1; first <= count; first += kAtOnce) {
      ASSERT_THAT(server_->Execute(absl::StrCat("DO $$ BEGIN FOR i IN ", first, "..", first + kAtOnce - 1,
                                                " LOOP EXECUTE format('CREATE TABLE t%s (x integer)', i);"
                                                " IF i % 10 = 0 THEN EXECUTE format('INSERT INTO t%s VALUES (1)', i);"
                                                " END IF; END LOOP; END $$"),
                                   "many"),
                  IsOk());
    }
    ASSERT_THAT(
        server_->Execute("CREATE TABLE large AS SELECT i, repeat('x', 100) AS t FROM generate_series(1, 120000) i;"
                         "CREATE TABLE larger AS SELECT * FROM large",
                         "many"),
        IsOk());
  }
  absl::StatusOr<BackupOutcome> Backup(int jobs) {
    BackupRequest request = Request("many");
    request.target.url = server_->Url("many");
    request.dump.set_jobs(jobs);
    return Run(request);
  }

  std::unique_ptr<MiniPostgres> server_;
};

TEST_F(ManyTablesTest, TenThousandTablesComeWhole) {
  StartServer(1200);
  MakeTables(10'000);

  const auto backup = Backup(2);

  ASSERT_THAT(backup, IsOk());
  EXPECT_EQ(backup->manifest.tables_size(), 10'002);
  int64_t rows = 0;
  for (const v1::TableFacts& table : backup->manifest.tables()) {
    rows += table.row_count();
  }
  EXPECT_EQ(rows, 1'000 + 240'000);
  EXPECT_THAT(backup->manifest.warnings(), IsEmpty());
}

TEST_F(ManyTablesTest, WithoutRoomForTheLocksOfSeveralOneProcessDumps) {
  StartServer(64);  // Room for 1280.
  MakeTables(800);

  const auto backup = Backup(4);

  ASSERT_THAT(backup, IsOk());
  EXPECT_EQ(backup->manifest.tables_size(), 802);
  EXPECT_THAT(backup->manifest.warnings(), Contains(HasSubstr("one does it all; raise max_locks_per_transaction")));
}

TEST_F(ManyTablesTest, WithoutRoomForAnyLocksTheFailureSaysWhatToRaise) {
  StartServer(10);  // Room for 200, and some more.
  MakeTables(3'000);

  const auto backup = Backup(2);

  EXPECT_THAT(backup, HasReason("DUMP_FAILED"));
  EXPECT_THAT(backup.status().ToString(), HasSubstr("max_locks_per_transaction"));
}

}  // namespace
}  // namespace backup::agent
