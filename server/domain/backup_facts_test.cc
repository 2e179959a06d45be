// SPDX-License-Identifier: Apache-2.0
#include "server/domain/backup_facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/domain/test_data.h"
#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using ::backup::testing::At;
using ::backup::testing::DatabaseOf;
using ::backup::testing::EqualsProto;
using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::NightlyAttempt;
using ::backup::testing::NightlyRun;
using ::backup::testing::NightlySuccess;
using ::testing::HasSubstr;

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

TEST(CheckBackupResultTest, TakesAResultThatAgrees) {
  EXPECT_THAT(CheckBackupResult(NightlyRun(v1::RUNNING), NightlyAttempt(), NightlySuccess()), IsOk());
}

TEST(CheckBackupResultTest, TakesALargeReportWithoutHashesOrTables) {
  v1::RunResult result = NightlySuccess();
  for (v1::TableFacts& table : *result.mutable_manifest()->mutable_tables()) {
    table.clear_content_hash();
  }
  EXPECT_THAT(CheckBackupResult(NightlyRun(v1::RUNNING), NightlyAttempt(), result), IsOk());
  result.mutable_manifest()->clear_tables();
  EXPECT_THAT(CheckBackupResult(NightlyRun(v1::RUNNING), NightlyAttempt(), result), IsOk());
}

// One lie of a hostile agent.
struct Lie {
  const char* name;
  std::function<void(v1::RunResult&, v1::Manifest&)> tell;
};

class LieTest : public ::testing::TestWithParam<Lie> {};

TEST_P(LieTest, IsRefused) {
  v1::RunResult result = NightlySuccess();
  GetParam().tell(result, *result.mutable_manifest());
  const absl::Status status = CheckBackupResult(NightlyRun(v1::RUNNING), NightlyAttempt(), result);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(status, HasReason("RESULT_INVALID"));
}

std::vector<Lie> Lies() {
  return {
      {"NoManifest", [](auto& r, auto&) { r.clear_manifest(); }},
      {"NewerFormat", [](auto&, auto& m) { m.set_format_version(2); }},
      {"NoFormat", [](auto&, auto& m) { m.clear_format_version(); }},
      {"OtherAgent", [](auto&, auto& m) { m.set_agent("db2"); }},
      {"OtherRun", [](auto&, auto& m) { m.set_run("runs/r2"); }},
      {"OtherAttempt", [](auto&, auto& m) { m.set_attempt_id("a2"); }},
      {"OtherEpoch", [](auto&, auto& m) { m.set_epoch(2); }},
      {"OtherPolicy", [](auto&, auto& m) { m.set_policy("policies/other"); }},
      {"OtherSlot", [](auto&, auto& m) { m.mutable_slot_time()->set_seconds(7); }},
      {"BackupOfAnotherRun", [](auto&, auto& m) { m.set_backup_id("20261123T220000Z-r0"); }},
      {"BackupIdIsAPath", [](auto&, auto& m) { m.set_backup_id("../../etc-r1"); }},
      {"NoDatabaseName", [](auto&, auto& m) { m.mutable_database()->clear_name(); }},
      {"LongDatabaseName", [](auto&, auto& m) { m.mutable_database()->set_name(std::string(64, 'x')); }},
      {"NegativeDatabaseSize", [](auto&, auto& m) { m.mutable_database()->set_size_bytes(-1); }},
      {"NoSnapshotTime", [](auto&, auto& m) { m.clear_snapshot_time(); }},
      {"AbsurdSnapshotTime", [](auto&, auto& m) { m.mutable_snapshot_time()->set_seconds(kMax); }},
      {"AbsurdNanos", [](auto&, auto& m) { m.mutable_snapshot_time()->set_nanos(-1); }},
      {"NotReadBack", [](auto& r, auto&) { r.clear_verify_time(); }},
      {"NoManifestHash", [](auto& r, auto&) { r.clear_manifest_sha256(); }},
      {"UpperCaseHash", [](auto& r, auto&) { r.set_manifest_sha256(std::string(64, 'A')); }},
      {"ShortHash", [](auto& r, auto&) { r.set_manifest_sha256(std::string(63, 'a')); }},
      {"NoPath", [](auto& r, auto&) { r.clear_path(); }},
      {"RelativePath", [](auto& r, auto&) { r.set_path("x/20261123T220000Z-r1"); }},
      {"PathOfAnother", [](auto& r, auto&) { r.set_path("/backups/db1/orders/20261123T220000Z-r2"); }},
      {"PathWithEscape", [](auto& r, auto&) { r.set_path("/\x1b/20261123T220000Z-r1"); }},
      {"LongPath", [](auto& r, auto&) { r.set_path(absl::StrCat(std::string(5000, '/'), "20261123T220000Z-r1")); }},
      {"NoFiles", [](auto&, auto& m) { m.clear_files(); }},
      {"ManyFiles",
       [](auto&, auto& m) {
         for (int i = 0; i < 1000; ++i) *m.add_files() = m.files(0);
       }},
      {"NoDump", [](auto&, auto& m) { m.mutable_files(0)->set_name("other.sql.gz"); }},
      {"TwoDumps", [](auto&, auto& m) { m.mutable_files(2)->set_name("dump.sql"); }},
      {"EmptyDump", [](auto&, auto& m) { m.mutable_files(0)->set_plain_bytes(0); }},
      {"FileTwice", [](auto&, auto& m) { m.mutable_files(2)->set_name("dump.sql.gz.gzi"); }},
      {"FileIsAPath", [](auto&, auto& m) { m.mutable_files(1)->set_name("../x"); }},
      {"FileIsDots", [](auto&, auto& m) { m.mutable_files(1)->set_name(".."); }},
      {"FileWithNewline", [](auto&, auto& m) { m.mutable_files(1)->set_name("a\nb"); }},
      {"NegativeStoredBytes", [](auto&, auto& m) { m.mutable_files(0)->set_stored_bytes(-1); }},
      {"NegativePlainBytes", [](auto&, auto& m) { m.mutable_files(0)->set_plain_bytes(-1); }},
      {"SizesOverflow",
       [](auto&, auto& m) {
         m.mutable_files(0)->set_stored_bytes(int64_t{1} << 62);
         m.mutable_files(2)->set_stored_bytes(int64_t{1} << 62);
       }},
      {"NoCodec", [](auto&, auto& m) { m.mutable_files(0)->clear_codec(); }},
      {"UnknownCodec", [](auto&, auto& m) { m.mutable_files(0)->set_codec(static_cast<v1::Codec>(77)); }},
      {"NoMembers", [](auto&, auto& m) { m.mutable_files(0)->set_member_count(0); }},
      {"NegativeMembers", [](auto&, auto& m) { m.mutable_files(0)->set_member_count(-1); }},
      {"NoFileHash", [](auto&, auto& m) { m.mutable_files(0)->clear_stored_sha256(); }},
      {"FileHashNotHex", [](auto&, auto& m) { m.mutable_files(0)->set_plain_sha256(std::string(64, 'g')); }},
      {"PlainFileOfTwoSizes", [](auto&, auto& m) { m.mutable_files(1)->set_plain_bytes(25); }},
      {"NegativeRows", [](auto&, auto& m) { m.mutable_tables(0)->set_row_count(-1); }},
      {"MoreRowsThanBytes", [](auto&, auto& m) { m.mutable_tables(0)->set_row_count(50001); }},
      {"NegativeTableBytes", [](auto&, auto& m) { m.mutable_tables(0)->set_plain_bytes(-1); }},
      {"TableBeyondTheDump", [](auto&, auto& m) { m.mutable_tables(1)->set_plain_offset(99999); }},
      {"NegativeOffset", [](auto&, auto& m) { m.mutable_tables(1)->set_plain_offset(-1); }},
      {"HugeTable", [](auto&, auto& m) { m.mutable_tables(1)->set_plain_bytes(kMax); }},
      {"TablesBeyondTheDump",
       [](auto&, auto& m) {
         m.mutable_tables(0)->set_plain_offset(0);
         m.mutable_tables(0)->set_plain_bytes(99000);
         m.mutable_tables(1)->set_plain_bytes(40000);
       }},
      {"TableWithoutName", [](auto&, auto& m) { m.mutable_tables(0)->clear_name(); }},
      {"TableWithLongSchema", [](auto&, auto& m) { m.mutable_tables(0)->set_schema(std::string(64, 's')); }},
      {"ContentHashNotHex", [](auto&, auto& m) { m.mutable_tables(0)->set_content_hash(std::string(32, 'z')); }},
      {"EndlessWarning", [](auto&, auto& m) { m.add_warnings(std::string(5000, 'w')); }},
      {"ManyRoles",
       [](auto&, auto& m) {
         for (int i = 0; i < 1001; ++i) m.add_roles("r");
       }},
  };
}

INSTANTIATE_TEST_SUITE_P(Each, LieTest, ::testing::ValuesIn(Lies()),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(CheckBackupResultTest, ARunByHandNeedsNoSlot) {
  v1::RunResult result = NightlySuccess();
  result.mutable_manifest()->clear_slot_time();
  EXPECT_THAT(CheckBackupResult(NightlyRun(v1::RUNNING), NightlyAttempt(), result), IsOk());
}

// --- suspicion ---

class SuspicionTest : public ::testing::Test {
 protected:
  SuspicionTest() {
    last_good_.emplace();
    last_good_->set_plain_bytes(100000);
    last_good_->set_row_count(1000);
  }
  std::string Find() const { return FindSuspicion(spec_, manifest_, last_good_, At("2026-11-23T22:05:30Z")); }

  v1::VerifySpec spec_;
  v1::Manifest manifest_ = NightlySuccess().manifest();
  std::optional<v1::Backup> last_good_;
};

TEST_F(SuspicionTest, WithoutExpectationsThereIsNone) {
  last_good_->set_plain_bytes(1);
  EXPECT_EQ(Find(), "");
}

TEST_F(SuspicionTest, ADumpThatIsTooSmall) {
  spec_.set_min_bytes(100000);
  EXPECT_EQ(Find(), "");
  spec_.set_min_bytes(100001);
  EXPECT_THAT(Find(), HasSubstr("the policy wants at least"));
}

TEST_F(SuspicionTest, AKeyTableThatIsMissingOrEmpty) {
  spec_.add_key_tables("public.items");
  EXPECT_EQ(Find(), "");
  manifest_.mutable_tables(0)->set_row_count(0);
  EXPECT_EQ(Find(), "key table public.items has no rows");
  manifest_.mutable_tables(0)->set_schema("other");
  EXPECT_EQ(Find(), "key table public.items is not in the dump");
}

TEST_F(SuspicionTest, AChangeOfSizeBeyondTheLimit) {
  spec_.set_max_change_percent(50);
  last_good_->set_plain_bytes(200000);  // Half of it is left: 50 %.
  EXPECT_EQ(Find(), "");
  last_good_->set_plain_bytes(200001);
  EXPECT_EQ(Find(),
            "the dump's size shrank by 51 % against the last good backup (200001 to 100000); the policy allows 50 %");
  last_good_->set_plain_bytes(50000);
  EXPECT_THAT(Find(), HasSubstr("the dump's size grew by 100 %"));
}

TEST_F(SuspicionTest, AChangeOfRowsBeyondTheLimit) {
  spec_.set_max_change_percent(50);
  last_good_->set_row_count(2001);
  EXPECT_THAT(Find(), HasSubstr("the number of rows shrank by 51 %"));
  last_good_->set_row_count(0);  // From nothing, any growth is well.
  EXPECT_EQ(Find(), "");
}

TEST_F(SuspicionTest, WithoutAGoodBackupNothingChanged) {
  spec_.set_max_change_percent(1);
  last_good_.reset();
  EXPECT_EQ(Find(), "");
}

TEST_F(SuspicionTest, HugeFiguresDoNotOverflow) {
  spec_.set_max_change_percent(1000000);
  last_good_->set_plain_bytes(1);
  manifest_.mutable_files(0)->set_plain_bytes(int64_t{1} << 62);
  EXPECT_THAT(Find(), HasSubstr("grew by"));
}

TEST_F(SuspicionTest, ASnapshotInTheFutureIsNeverTheNewestGoodBackup) {
  *manifest_.mutable_snapshot_time() = ToProto(At("2026-11-23T23:05:29Z"));
  EXPECT_EQ(Find(), "");
  *manifest_.mutable_snapshot_time() = ToProto(At("2036-11-23T23:05:31Z"));
  EXPECT_THAT(Find(), HasSubstr("lies in the future"));
}

// --- the row ---

TEST(MakeBackupTest, TakesItsFactsFromTheManifest) {
  RunView view;
  view.run = NightlyRun(v1::RUNNING);
  const v1::RunResult result = NightlySuccess();
  const v1::Backup backup = MakeBackup(view, result, At("2026-11-23T22:05:30Z"));
  v1::Backup expected = testing::FromText<v1::Backup>(R"pb(
    name: "backups/20261123T220000Z-r1"
    database: "agents/db1/databases/orders"
    policy: "policies/nightly"
    run: "runs/r1"
    state: GOOD
    verification_level: STORED
    size_bytes: 20324
    plain_bytes: 100000
    row_count: 1000
    table_count: 2
    path: "/backups/db1/orders/20261123T220000Z-r1"
  )pb");
  expected.set_manifest_sha256(result.manifest_sha256());
  *expected.mutable_verify_time() = result.verify_time();
  *expected.mutable_snapshot_time() = result.manifest().snapshot_time();
  *expected.mutable_slot_time() = view.run.slot_time();
  *expected.mutable_create_time() = ToProto(At("2026-11-23T22:05:30Z"));
  *expected.mutable_manifest() = result.manifest();
  EXPECT_THAT(backup, EqualsProto(expected));
}

TEST(MakeBackupTest, ExpectationsThatHeldAreALevelOfTheirOwn) {
  RunView view;
  view.run = NightlyRun(v1::RUNNING);
  view.run.mutable_spec()->mutable_verify()->add_key_tables("public.items");
  EXPECT_EQ(MakeBackup(view, NightlySuccess(), At("2026-11-23T22:05:30Z")).verification_level(), v1::CONTENT);
  view.run.mutable_spec()->mutable_verify()->add_key_tables("public.nothing");
  const v1::Backup backup = MakeBackup(view, NightlySuccess(), At("2026-11-23T22:05:30Z"));
  EXPECT_EQ(backup.verification_level(), v1::STORED);
  EXPECT_EQ(backup.state(), v1::SUSPICIOUS);
  EXPECT_EQ(backup.state_reason(), "key table public.nothing is not in the dump");
}

TEST(MakeBackupTest, GlobalsThatArePromisedAndMissingAreSuspicious) {
  RunView view;
  view.run = NightlyRun(v1::RUNNING);
  v1::RunResult result = NightlySuccess();
  result.mutable_manifest()->mutable_files()->DeleteSubrange(2, 1);
  EXPECT_EQ(MakeBackup(view, result, At("2026-11-23T22:05:30Z")).state(), v1::SUSPICIOUS);
  view.run.mutable_spec()->mutable_dump()->set_globals(false);
  EXPECT_EQ(MakeBackup(view, result, At("2026-11-23T22:05:30Z")).state(), v1::GOOD);
}

}  // namespace
}  // namespace backup::server
