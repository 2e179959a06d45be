// SPDX-License-Identifier: Apache-2.0
// A second opinion on cron: what systemd makes of the same times.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "server/domain/cron.h"
#include "server/domain/test_data.h"
#include "server/domain/time_zone.h"

namespace backup::server {
namespace {

using ::backup::testing::At;

constexpr char kAnalyze[] = "/usr/bin/systemd-analyze";
constexpr int kIterations = 60;

// The same times in both languages, at hours that no clock change of the zones below leaves out or repeats: there the
// two differ, and cron_next_test.cc says what ours does.
struct Expression {
  const char* cron;
  const char* calendar;
};
constexpr Expression kExpressions[] = {
    {"0 12 * * *", "*-*-* 12:00:00"},
    {"30 18 * * 1-5", "Mon..Fri *-*-* 18:30:00"},
    {"15 6 1 * *", "*-*-01 06:15:00"},
    {"45 7 * * 0", "Sun *-*-* 07:45:00"},
    {"0 4 15 1,4,7,10 *", "*-01,04,07,10-15 04:00:00"},
    {"5 9-17/4 * * *", "*-*-* 09,13,17:05:00"},
    {"0 8 29 2 *", "*-02-29 08:00:00"},
    {"10 20 L * *", "*-*~01 20:10:00"},
    {"*/20 13 31 * *", "*-*-31 13:00/20:00"},
};
constexpr const char* kZones[] = {
    "UTC",           "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Asia/Kathmandu", "Australia/Lord_Howe",
    "Pacific/Easter"};

// The first times after `base`, as systemd lists them.
std::vector<absl::Time> SystemdTimes(const std::string& calendar, const std::string& base) {
  const std::string command = absl::StrCat("TZ=UTC LC_ALL=C ", kAnalyze, " calendar --iterations=", kIterations,
                                           " --base-time='", base, " UTC' '", calendar, "' 2>/dev/null");
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), &pclose);
  std::string text;
  char buffer[4096];
  while (const size_t size = fread(buffer, 1, sizeof buffer, pipe.get())) {
    text.append(buffer, size);
  }
  std::vector<absl::Time> times;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    // "       Iter. #2: Thu 2026-01-01 12:00:00 UTC"
    const std::vector<std::string> parts = absl::StrSplit(line, absl::MaxSplits(": ", 1));
    const bool is_time = absl::StrContains(line, "Next elapse: ") || absl::StrContains(line, "Iter. #");
    absl::Time time;
    if (is_time && parts.size() == 2 && absl::ParseTime("%a %Y-%m-%d %H:%M:%S UTC", parts[1], &time, nullptr)) {
      times.push_back(time);
    }
  }
  return times;
}

TEST(CronSystemdTest, AgreesOnASampleOfTimesAndZones) {
  if (access(kAnalyze, X_OK) != 0) {
    GTEST_SKIP() << kAnalyze << " is not there: install systemd for a second opinion";
  }
  const absl::Time base = At("2026-01-01T00:00:00Z");
  for (const Expression& expression : kExpressions) {
    const absl::StatusOr<CronSchedule> cron = CronSchedule::Parse(expression.cron);
    ASSERT_TRUE(cron.ok()) << expression.cron;
    for (const char* zone_name : kZones) {
      const absl::TimeZone zone = *FindTimeZone(zone_name);
      const std::vector<absl::Time> theirs =
          SystemdTimes(absl::StrCat(expression.calendar, " ", zone_name), "2026-01-01 00:00:00");
      ASSERT_GE(theirs.size(), 40u) << expression.calendar << " " << zone_name;
      absl::Time ours = base;
      for (const absl::Time time : theirs) {
        ours = cron->Next(ours, zone);
        ASSERT_EQ(ours, time) << expression.cron << " in " << zone_name;
      }
    }
  }
}

}  // namespace
}  // namespace backup::server
