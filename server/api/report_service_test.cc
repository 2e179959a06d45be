// SPDX-License-Identifier: Apache-2.0
#include "server/api/report_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/proto_json.h"
#include "server/api/api_test_server.h"
#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ReportServiceStub = v1::ReportService::Stub;

constexpr char kReported[] = "agents/db1/databases/shop";

class ReportServiceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    server_.PutAgent("db1", {"crm", "shop"});
    v1::Policy policy = server_.PutPolicy("nightly");
    policy.mutable_spec()->mutable_databases(0)->set_database("shop");
    policy.mutable_spec()->mutable_retention()->set_keep_last(3);
    server_.store().PutPolicy(policy, server_.clock().Now());
  }
  absl::Time DaysAgo(double days) { return server_.clock().Now() - days * absl::Hours(24); }
  // A slot so many days ago, and what became of it.
  v1::Run PutSlot(double days_ago, v1::RunState state, v1::RunKind kind = v1::BACKUP) {
    v1::Run run;
    run.set_name(absl::StrCat("runs/r", ++count_));
    run.set_kind(kind);
    run.set_state(state);
    run.set_database(kReported);
    run.set_policy("policies/nightly");
    *run.mutable_slot_time() = ToProto(DaysAgo(days_ago));
    if (kind == v1::BACKUP && state == v1::SUCCEEDED) run.set_backup(PutBackup(days_ago));
    server_.store().PutRun(run);
    return run;
  }
  std::string PutBackup(double days_ago) {
    v1::Backup backup;
    backup.set_name(absl::StrCat("backups/20261121T220000Z-aaaaaaaa", 10 + count_));
    backup.set_database(kReported);
    backup.set_policy("policies/nightly");
    backup.set_state(v1::GOOD);
    backup.set_size_bytes(10L * ++count_);
    *backup.mutable_snapshot_time() = ToProto(DaysAgo(days_ago));
    server_.store().PutBackup(backup);
    return backup.name();
  }
  absl::StatusOr<v1::Report> Report(const v1::GetReportRequest& request = {}) {
    return Call(stub_, &ReportServiceStub::GetReport, request);
  }

  int count_ = 0;
  ApiTestServer server_;
  const std::unique_ptr<ReportServiceStub> stub_ = v1::ReportService::NewStub(server_.Dial(server_.User()));
};

TEST_F(ReportServiceTest, ReportsOnEveryDatabaseOverNinetyDays) {
  PutSlot(100, v1::SUCCEEDED);
  PutSlot(80, v1::SUCCEEDED);
  PutSlot(50, v1::FAILED);
  PutSlot(20, v1::SUCCEEDED);
  PutSlot(1, v1::MISSED);
  PutSlot(-1, v1::SCHEDULED);
  PutSlot(10, v1::SUCCEEDED, v1::DRILL);
  PutSlot(-2, v1::SCHEDULED, v1::DRILL);

  const auto report = Report();

  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(ToAbsl(report->time()), server_.clock().Now());
  EXPECT_EQ(ToAbsl(report->since_time()), DaysAgo(90));
  EXPECT_EQ(ToAbsl(report->until_time()), server_.clock().Now());
  ASSERT_EQ(report->databases_size(), 2);
  EXPECT_EQ(report->databases(0).database(), "agents/db1/databases/crm");
  EXPECT_EQ(report->databases(0).policies_size(), 0) << "nothing covers it";
  const v1::DatabaseReport& shop = report->databases(1);
  ASSERT_EQ(shop.policies_size(), 1);
  EXPECT_EQ(shop.policies(0).expected_count(), 4) << "those of the span that were due";
  EXPECT_EQ(shop.policies(0).good_count(), 2);
  EXPECT_EQ(shop.policies(0).failed_count(), 1);
  EXPECT_EQ(shop.policies(0).missed_count(), 1);
  EXPECT_EQ(shop.policies(0).retention().keep_count(), 3);
  EXPECT_EQ(ToAbsl(shop.longest_gap()), absl::Hours(24 * 60));
  EXPECT_EQ(ToAbsl(shop.longest_gap_start_time()), DaysAgo(80));
  EXPECT_EQ(shop.good_backup_count(), 3);
  EXPECT_EQ(shop.made_count(), 2);
  EXPECT_EQ(shop.sizes_size(), 2);
  ASSERT_EQ(shop.drills_size(), 1);
  EXPECT_EQ(shop.drills(0).state(), v1::SUCCEEDED);
}

TEST_F(ReportServiceTest, ASpanBeginsAndEndsWhereItIsSaid) {
  for (int day = 10; day > 0; --day) PutSlot(day, v1::SUCCEEDED);
  v1::GetReportRequest request;
  request.set_database(kReported);
  *request.mutable_since_time() = ToProto(DaysAgo(8));
  *request.mutable_until_time() = ToProto(DaysAgo(5));

  const auto report = Report(request);

  ASSERT_THAT(report, IsOk());
  ASSERT_EQ(report->databases_size(), 1);
  EXPECT_EQ(report->databases(0).policies(0).expected_count(), 3) << "8, 7 and 6 days ago";
  EXPECT_EQ(report->databases(0).good_backup_count(), 10) << "today's";
  *request.mutable_until_time() = ToProto(DaysAgo(-5));
  EXPECT_EQ(ToAbsl(Report(request)->until_time()), server_.clock().Now()) << "what is to come is not reported on";
}

TEST_F(ReportServiceTest, APolicyThatCoversNothingAnyMoreStillAnswersForItsRuns) {
  PutSlot(3, v1::FAILED);
  v1::Policy policy = *server_.store().GetPolicy("policies/nightly");
  policy.mutable_spec()->mutable_databases(0)->set_database("other");
  server_.store().PutPolicy(policy, server_.clock().Now());
  v1::GetReportRequest request;
  request.set_database(kReported);
  EXPECT_EQ(Report(request)->databases(0).policies(0).failed_count(), 1);
}

TEST_F(ReportServiceTest, ReadsMoreBackupsThanAPageHas) {
  for (int i = 0; i < 1005; ++i) PutBackup(1 + i / 100.0);
  v1::GetReportRequest request;
  request.set_database(kReported);
  EXPECT_EQ(Report(request)->databases(0).made_count(), 1005);
}

TEST_F(ReportServiceTest, ComesInPagesOfDatabases) {
  v1::GetReportRequest request;
  request.set_page_size(1);
  const auto first = Report(request);
  ASSERT_THAT(first, IsOk());
  ASSERT_EQ(first->databases_size(), 1);
  request.set_page_token(first->next_page_token());
  const auto second = Report(request);
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(second->databases(0).database(), kReported);
  EXPECT_EQ(second->next_page_token(), "");
}

TEST_F(ReportServiceTest, APageHasAtMostAHundredDatabases) {
  std::vector<std::string> names;
  for (int i = 0; i < 120; ++i) names.push_back(absl::StrCat("d", 100 + i));
  server_.PutAgent("db2", names);
  v1::GetReportRequest request;
  EXPECT_EQ(Report(request)->databases_size(), 20);
  request.set_page_size(1000);
  EXPECT_EQ(Report(request)->databases_size(), 100);
}

TEST_F(ReportServiceTest, RefusesWhatIsNoSpanOrNoDatabase) {
  v1::GetReportRequest request;
  *request.mutable_since_time() = ToProto(DaysAgo(0));
  EXPECT_THAT(Report(request), HasReason("INVALID_FIELD"));
  *request.mutable_since_time() = ToProto(DaysAgo(5));
  *request.mutable_until_time() = ToProto(DaysAgo(5));
  EXPECT_THAT(Report(request), HasReason("INVALID_FIELD"));
  request.Clear();
  request.set_page_size(-1);
  EXPECT_THAT(Report(request), HasReason("INVALID_FIELD"));
  request.Clear();
  request.set_page_token("x");
  EXPECT_THAT(Report(request), HasReason("PAGE_TOKEN_INVALID"));
  request.Clear();
  request.set_database("agents/db1/databases/none");
  EXPECT_THAT(Report(request), HasReason("DATABASE_NOT_FOUND"));
  request.set_database("shop");
  EXPECT_THAT(Report(request), HasReason("INVALID_RESOURCE_NAME"));
}

TEST_F(ReportServiceTest, ItBeginsNoEarlierThanTheHistoryThatIsKept) {
  PutSlot(500, v1::SUCCEEDED);
  PutSlot(10, v1::FAILED);
  v1::GetReportRequest request;
  *request.mutable_since_time() = ToProto(DaysAgo(600));
  const auto report = Report(request);
  ASSERT_THAT(report, IsOk());
  const absl::Time since = ToAbsl(report->since_time());
  EXPECT_LE(since, DaysAgo(400));
  EXPECT_GT(since, DaysAgo(432));
  EXPECT_EQ(absl::ToCivilDay(since, absl::UTCTimeZone()).day(), 1);
  ASSERT_EQ(report->databases_size(), 2);
  ASSERT_EQ(report->databases(1).policies_size(), 1);
  EXPECT_EQ(report->databases(1).policies(0).expected_count(), 1) << "the one whose neighbours are all there";
  *request.mutable_until_time() = ToProto(DaysAgo(500));
  EXPECT_THAT(Report(request), HasReason("INVALID_FIELD"));
  EXPECT_THAT(std::string(Report(request).status().message()), HasSubstr("are not kept"));
}

TEST_F(ReportServiceTest, TimesBeyondAllMeasureAreTaken) {
  v1::GetReportRequest request;
  request.mutable_since_time()->set_seconds(std::numeric_limits<int64_t>::min());
  request.mutable_until_time()->set_seconds(std::numeric_limits<int64_t>::max());
  EXPECT_THAT(Report(request), IsOk());
}

TEST_F(ReportServiceTest, SaysThatTheCatalogIsAway) {
  server_.store().SetUnavailable(true);
  EXPECT_THAT(Report(), HasReason("CATALOG_UNAVAILABLE"));
}

}  // namespace
}  // namespace backup::server
