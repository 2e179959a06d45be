// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>

#include "server/domain/cron.h"
#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using ::backup::testing::HasHint;
using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::StatusIs;
using ::testing::HasSubstr;

// 2026-11-23 is a Monday.
bool MatchesAt(const std::string& expression, absl::CivilMinute minute) {
  const absl::StatusOr<CronSchedule> schedule = CronSchedule::Parse(expression);
  EXPECT_THAT(schedule, IsOk()) << expression;
  return schedule.ok() && schedule->Matches(minute);
}

TEST(CronParseTest, TakesNumbersRangesStepsAndLists) {
  EXPECT_TRUE(MatchesAt("5 4 * * *", absl::CivilMinute(2026, 11, 23, 4, 5)));
  EXPECT_FALSE(MatchesAt("5 4 * * *", absl::CivilMinute(2026, 11, 23, 4, 6)));
  EXPECT_TRUE(MatchesAt("0-10/5 4 * * *", absl::CivilMinute(2026, 11, 23, 4, 10)));
  EXPECT_FALSE(MatchesAt("0-10/5 4 * * *", absl::CivilMinute(2026, 11, 23, 4, 7)));
  EXPECT_FALSE(MatchesAt("0-10/5 4 * * *", absl::CivilMinute(2026, 11, 23, 4, 15)));
  EXPECT_TRUE(MatchesAt("*/20 * * * *", absl::CivilMinute(2026, 11, 23, 0, 40)));
  EXPECT_FALSE(MatchesAt("*/20 * * * *", absl::CivilMinute(2026, 11, 23, 0, 41)));
  EXPECT_TRUE(MatchesAt("1,3,50-59/9 * * * *", absl::CivilMinute(2026, 11, 23, 0, 59)));
  EXPECT_FALSE(MatchesAt("1,3,50-59/9 * * * *", absl::CivilMinute(2026, 11, 23, 0, 51)));
}

TEST(CronParseTest, TakesNamesInAnyCase) {
  EXPECT_TRUE(MatchesAt("0 0 * nov MON", absl::CivilMinute(2026, 11, 23, 0, 0)));
  EXPECT_FALSE(MatchesAt("0 0 * dec mon", absl::CivilMinute(2026, 11, 23, 0, 0)));
  EXPECT_TRUE(MatchesAt("0 0 * jan-DEC mon-fri", absl::CivilMinute(2026, 11, 23, 0, 0)));
}

TEST(CronParseTest, TakesSundayAsZeroAndAsSeven) {
  for (const char* expression : {"0 0 * * 0", "0 0 * * 7", "0 0 * * sun", "0 0 * * 5-7", "0 0 * * fri-sun"}) {
    EXPECT_TRUE(MatchesAt(expression, absl::CivilMinute(2026, 11, 22, 0, 0))) << expression;
    EXPECT_FALSE(MatchesAt(expression, absl::CivilMinute(2026, 11, 23, 0, 0))) << expression;
  }
  EXPECT_TRUE(MatchesAt("0 0 * * sun-tue", absl::CivilMinute(2026, 11, 22, 0, 0)));
  EXPECT_FALSE(MatchesAt("0 0 * * sun-tue", absl::CivilMinute(2026, 11, 25, 0, 0)));
}

TEST(CronParseTest, TakesMacros) {
  const absl::CivilMinute new_year(2023, 1, 1, 0, 0);  // A Sunday.
  for (const char* macro :
       {"@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually", "@Daily"}) {
    EXPECT_TRUE(MatchesAt(macro, new_year)) << macro;
    EXPECT_FALSE(MatchesAt(macro, new_year + 1)) << macro;
  }
  EXPECT_TRUE(MatchesAt("@hourly", new_year + 60));
  EXPECT_FALSE(MatchesAt("@daily", new_year + 60));
  EXPECT_TRUE(MatchesAt("@daily", new_year + int64_t{24} * 60));
  EXPECT_FALSE(MatchesAt("@weekly", new_year + int64_t{24} * 60));
  EXPECT_TRUE(MatchesAt("@weekly", new_year + 7 * int64_t{24} * 60));
  EXPECT_FALSE(MatchesAt("@yearly", absl::CivilMinute(2023, 2, 1, 0, 0)));
  EXPECT_TRUE(MatchesAt("@monthly", absl::CivilMinute(2023, 2, 1, 0, 0)));
}

TEST(CronParseTest, EitherDayWillDoWhenBothAreRestricted) {
  EXPECT_TRUE(MatchesAt("0 0 13 * 5", absl::CivilMinute(2026, 11, 13, 0, 0)));   // Friday the 13th.
  EXPECT_TRUE(MatchesAt("0 0 13 * 5", absl::CivilMinute(2026, 11, 20, 0, 0)));   // A Friday.
  EXPECT_TRUE(MatchesAt("0 0 13 * 5", absl::CivilMinute(2026, 12, 13, 0, 0)));   // The 13th, a Sunday.
  EXPECT_FALSE(MatchesAt("0 0 13 * 5", absl::CivilMinute(2026, 12, 14, 0, 0)));  // Neither.
}

TEST(CronParseTest, BothDaysMustMatchWhenOneBeginsWithStar) {
  EXPECT_TRUE(MatchesAt("0 0 */2 * 5", absl::CivilMinute(2026, 11, 13, 0, 0)));
  EXPECT_FALSE(MatchesAt("0 0 */2 * 5", absl::CivilMinute(2026, 11, 20, 0, 0)));  // A Friday with an even date.
  EXPECT_FALSE(MatchesAt("0 0 */2 * 5", absl::CivilMinute(2026, 11, 15, 0, 0)));  // An odd date, a Sunday.
}

TEST(CronParseTest, KnowsFixedTimes) {
  const std::pair<const char*, bool> cases[] = {
      {"0 22 * * *", true},    {"30 2,3 * * *", true}, {"0-59 2 * * *", true},
      {"*/15 2 * * *", false}, {"5 * * * *", false},   {"* * * * *", false},
      {"0 */6 * * *", false},  {"@daily", true},       {"@hourly", false},
  };
  for (const auto& [expression, fixed] : cases) {
    EXPECT_EQ(CronSchedule::Parse(expression)->is_fixed_time(), fixed) << expression;
  }
}

TEST(CronParseTest, PassesOverBlanks) {
  EXPECT_TRUE(MatchesAt(" \t5  4\t* * * ", absl::CivilMinute(2026, 11, 23, 4, 5)));
}

struct Refused {
  const char* expression;
  const char* message;
  const char* hint;
};

TEST(CronParseTest, RefusesWithTheFieldAndWhatItAccepts) {
  const Refused cases[] = {
      {"60 * * * *", "field 1 (minute), \"60\": 60 is out of range; accepted are 0-59", ""},
      {"0 24 * * *", "field 2 (hour), \"24\": 24 is out of range; accepted are 0-23", ""},
      {"0 0 0 * *", "field 3 (day of month), \"0\": 0 is out of range; accepted are 1-31", ""},
      {"0 0 32 * *", "32 is out of range", ""},
      {"0 0 1 13 *", "field 4 (month), \"13\": 13 is out of range; accepted are 1-12 or jan-dec", ""},
      {"0 0 * * 8", "field 5 (day of week), \"8\": 8 is out of range; accepted are 0-7 or sun-sat", ""},
      {"99999999999999999999 * * * *", "is out of range", ""},
      {"-1 * * * *", "a value is missing", ""},
      {"1, * * * *", "a value is missing", ""},
      {"1- * * * *", "a value is missing", ""},
      {"1-2-3 * * * *", "\"1-2-3\" is not a range", ""},
      {"x * * * *", "\"x\" is neither a number nor a name", ""},
      {"0 0 * * monday", "\"monday\" is neither a number nor a name", "names have three letters"},
      {"0 0 * mon *", "\"mon\" is neither", ""},
      {"22-2 * * * *", "the range 22-2 runs backwards", "two ranges"},
      {"0 22-2 * * *", "runs backwards", "22-23,0-2"},
      {"5/15 * * * *", "a step needs a range or *", "write 5-59/15"},
      {"*/0 * * * *", "the step 0 is not from 1 to 59", ""},
      {"*/90 * * * *", "the step 90 is not from 1 to 59", "use every:"},
      {"*/-5 * * * *", "the step \"-5\" is not a number", ""},
      {"*/ * * * *", "the step \"\" is not a number", ""},
      {"*/2/3 * * * *", "more than one step", ""},
      {"0 0 ? * *", "\"?\" is not part of five-field cron", "Quartz"},
      {"0 0 LW * *", "\"LW\" is not part of five-field cron", "Quartz"},
      {"0 0 L-3 * *", "\"L\" is not part of five-field cron", "L stands for itself"},
      {"0 0 L/2 * *", "\"L\" is not part of five-field cron", ""},
      {"0 0 * * L", "\"L\" is not part of five-field cron", "as a day of the month"},
      {"0 0 * * 5#3", "is not part of five-field cron", "Quartz"},
      {"0 0 0 1 1 *", "has 6 fields, not five", "seconds and years are not supported"},
      {"0 0 0 1 1 * 2026", "has 7 fields", "seconds and years"},
      {"0 22 * *", "has 4 fields, not five", "0 22 * * *"},
      {"daily", "has 1 field, not five", ""},
      {"", "cron expression is empty", "0 22 * * *"},
      {"   ", "cron expression is empty", ""},
      {"@reboot", "\"@reboot\" is none of @hourly", ""},
      {"@every 1h", "is none of", "use every:"},
      {"CRON_TZ=UTC 0 0 * * *", "begins with a time zone", "timeZone:"},
  };
  for (const Refused& refused : cases) {
    const absl::Status status = CronSchedule::Parse(refused.expression).status();
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(refused.message)));
    EXPECT_THAT(status, HasReason("CRON_INVALID"));
    EXPECT_THAT(status, HasHint(HasSubstr(refused.hint))) << refused.expression;
  }
}

TEST(CronParseTest, TakesTheLastDayOfAMonth) {
  for (const char* expression : {"0 0 L * *", "0 0 l 2 *", "0 0 1,15,L * *", "0 0 30,L 2 *", "0 0 L 4 1"}) {
    EXPECT_THAT(CronSchedule::Parse(expression), IsOk()) << expression;
  }
  const CronSchedule schedule = *CronSchedule::Parse("0 0 L * *");
  EXPECT_TRUE(schedule.Matches(absl::CivilMinute(2028, 2, 29)));
  EXPECT_FALSE(schedule.Matches(absl::CivilMinute(2028, 2, 28)));
  EXPECT_TRUE(schedule.Matches(absl::CivilMinute(2027, 2, 28)));
  EXPECT_TRUE(schedule.Matches(absl::CivilMinute(2027, 12, 31)));
}

TEST(CronParseTest, RefusesDatesThatNeverCome) {
  for (const char* expression : {"0 0 31 2 *", "0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 30-31 feb *"}) {
    EXPECT_THAT(CronSchedule::Parse(expression),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("never comes: no month of field 4")))
        << expression;
  }
}

TEST(CronParseTest, TakesRareDates) {
  for (const char* expression : {"0 0 29 2 *", "0 0 31 1,2 *", "0 0 31 2 1", "0 0 29 2 */7"}) {
    EXPECT_THAT(CronSchedule::Parse(expression), IsOk()) << expression;
  }
}

TEST(CronParseTest, RefusesHostileTextWithoutRepeatingIt) {
  EXPECT_THAT(CronSchedule::Parse(std::string(100000, '*')),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("at most 256")));
  const absl::Status status = CronSchedule::Parse(std::string("\x1b[2J\0 * * * *", 13)).status();
  EXPECT_THAT(status, HasReason("CRON_INVALID"));
  EXPECT_EQ(std::string(status.message()).find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace backup::server
