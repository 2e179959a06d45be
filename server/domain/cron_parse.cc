// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "server/domain/cron.h"

namespace backup::server {
namespace {

constexpr size_t kMaxCronBytes = 256;
constexpr absl::string_view kMonths[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                         "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr absl::string_view kWeekdays[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
constexpr int kDaysInMonth[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

// What one field means and accepts.
struct FieldRule {
  absl::string_view name;
  absl::string_view accepts;
  int min;
  int max;
  const absl::string_view* names;  // Of values from `min` on; null for none.
  int name_count;
};
constexpr std::array<FieldRule, 5> kFields = {{
    {"minute", "0-59", 0, 59, nullptr, 0},
    {"hour", "0-23", 0, 23, nullptr, 0},
    {"day of month", "1-31 or L for the last", 1, 31, nullptr, 0},
    {"month", "1-12 or jan-dec", 1, 12, kMonths, 12},
    {"day of week", "0-7 or sun-sat", 0, 7, kWeekdays, 7},
}};

struct Macro {
  absl::string_view name;
  absl::string_view expression;
};
constexpr Macro kMacros[] = {
    {"@hourly", "0 * * * *"},  {"@daily", "0 0 * * *"},  {"@midnight", "0 0 * * *"}, {"@weekly", "0 0 * * 0"},
    {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"},
};

absl::Status CronInvalid(absl::string_view message, absl::string_view hint = "") {
  return MakeError(absl::StatusCode::kInvalidArgument, "CRON_INVALID", message, hint);
}

std::string Quoted(absl::string_view text) { return absl::StrCat("\"", CleanText(text, 64), "\""); }

absl::Status BadField(int index, absl::string_view text, absl::string_view why, absl::string_view hint = "") {
  const FieldRule& rule = kFields[index];
  return CronInvalid(absl::StrCat("field ", index + 1, " (", rule.name, "), ", Quoted(text), ": ", why,
                                  "; accepted are ", rule.accepts, ", *, lists, ranges and steps"),
                     hint);
}

// A number or a name; `after` is the start of the range that this ends, if it does.
absl::StatusOr<int> ParseValue(int index, absl::string_view field, absl::string_view word, std::optional<int> after) {
  const FieldRule& rule = kFields[index];
  if (word.empty()) {
    return BadField(index, field, "a value is missing");
  }
  if (word.find_first_not_of("0123456789") == absl::string_view::npos) {
    int value = 0;
    if (word.size() > 4 || !absl::SimpleAtoi(word, &value) || value < rule.min || value > rule.max) {
      return BadField(index, field, absl::StrCat(CleanText(word, 16), " is out of range"));
    }
    return value;
  }
  for (int i = 0; i < rule.name_count; ++i) {
    if (absl::AsciiStrToLower(word) == rule.names[i]) {
      // "fri-sun" ends on the Sunday that comes after Friday.
      return i == 0 && index == 4 && after.value_or(0) > 0 ? 7 : i + rule.min;
    }
  }
  if (word == "?" || word.find_first_of("LW#") != absl::string_view::npos) {
    return BadField(
        index, field, absl::StrCat(Quoted(word), " is not part of five-field cron"),
        "?, W and # belong to Quartz, and L stands for itself as a day of the month; write * for any day, or "
        "name the days");
  }
  return BadField(index, field, absl::StrCat(Quoted(word), " is neither a number nor a name"),
                  rule.names != nullptr ? "names have three letters, such as mon or jan" : "");
}

// Adds one member of the field's list to `bits`.
absl::Status ParseItem(int index, absl::string_view field, absl::string_view item, uint64_t& bits) {
  const FieldRule& rule = kFields[index];
  if (index == 2 && (item == "L" || item == "l")) {
    bits |= CronSchedule::kLastDayBit;
    return absl::OkStatus();
  }
  const std::vector<absl::string_view> stepped = absl::StrSplit(item, '/');
  if (stepped.size() > 2) {
    return BadField(index, field, "more than one step");
  }
  const absl::string_view range = stepped[0];
  int first = rule.min;
  int last = index == 4 ? 6 : rule.max;
  if (range != "*") {
    const std::vector<absl::string_view> ends = absl::StrSplit(range, '-');
    if (ends.size() > 2) {
      return BadField(index, field, absl::StrCat(Quoted(range), " is not a range"));
    }
    ASSIGN_OR_RETURN(first, ParseValue(index, field, ends[0], std::nullopt));
    last = first;
    if (ends.size() == 2) {
      ASSIGN_OR_RETURN(last, ParseValue(index, field, ends[1], first));
      if (last < first) {
        return BadField(index, field, absl::StrCat("the range ", CleanText(range, 32), " runs backwards"),
                        "write it as two ranges with a comma, such as 22-23,0-2");
      }
    } else if (stepped.size() == 2) {
      return BadField(index, field, "a step needs a range or * before it",
                      absl::StrCat("write ", first, "-", rule.max, "/", CleanText(stepped[1], 8)));
    }
  }
  int step = 1;
  if (stepped.size() == 2) {
    if (!absl::SimpleAtoi(stepped[1], &step) || stepped[1].find_first_not_of("0123456789") != absl::string_view::npos) {
      return BadField(index, field, absl::StrCat("the step ", Quoted(stepped[1]), " is not a number"));
    }
    if (step < 1 || step > rule.max) {
      return BadField(index, field, absl::StrCat("the step ", step, " is not from 1 to ", rule.max),
                      index == 0 && step > 59 ? "for a fixed interval in minutes use every: instead of cron:" : "");
    }
  }
  for (int value = first; value <= last; value += step) {
    bits |= uint64_t{1} << (index == 4 ? value % 7 : value);
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> ParseField(int index, absl::string_view field) {
  uint64_t bits = 0;
  for (const absl::string_view item : absl::StrSplit(field, ',')) {
    RETURN_IF_ERROR(ParseItem(index, field, item, bits));
  }
  return bits;
}

// What is wrong with text that does not have five fields.
absl::Status WrongFieldCount(absl::string_view text, size_t count) {
  const std::string message =
      absl::StrCat("cron expression ", Quoted(text), " has ", count, count == 1 ? " field" : " fields",
                   ", not five: minute hour day month weekday");
  if (count == 6 || count == 7) {
    return CronInvalid(message, "seconds and years are not supported; leave them out");
  }
  return CronInvalid(message, "for example \"0 22 * * *\" for every day at 22:00");
}

absl::Status UnknownMacro(absl::string_view text) {
  const std::string message =
      absl::StrCat(Quoted(text), " is none of @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually");
  if (absl::StartsWith(absl::AsciiStrToLower(text), "@every")) {
    return CronInvalid(message, "for a fixed interval use every: instead of cron:");
  }
  return CronInvalid(message);
}

// The day of the month alone decides here: is there a month of `months` long enough for the first of `days`?
bool DateCanCome(uint64_t days, uint64_t months) {
  if ((days & CronSchedule::kLastDayBit) != 0) {
    return true;
  }
  for (int month = 1; month <= 12; ++month) {
    for (int day = 1; ((months >> month) & 1) != 0 && day <= kDaysInMonth[month - 1]; ++day) {
      if (((days >> day) & 1) != 0) {
        return true;
      }
    }
  }
  return false;
}

}  // namespace

absl::StatusOr<CronSchedule> CronSchedule::Parse(absl::string_view text) {
  if (text.size() > kMaxCronBytes) {
    return CronInvalid(
        absl::StrCat("cron expression of ", text.size(), " bytes; at most ", kMaxCronBytes, " are accepted"));
  }
  absl::string_view expression = absl::StripAsciiWhitespace(text);
  if (expression.empty()) {
    return CronInvalid("cron expression is empty", "for example \"0 22 * * *\" for every day at 22:00");
  }
  if (expression[0] == '@') {
    const std::string name = absl::AsciiStrToLower(expression);
    expression = "";
    for (const Macro& macro : kMacros) {
      if (name == macro.name) {
        expression = macro.expression;
      }
    }
    if (expression.empty()) {
      return UnknownMacro(text);
    }
  }
  const std::vector<absl::string_view> fields = absl::StrSplit(expression, absl::ByAnyChar(" \t"), absl::SkipEmpty());
  if (absl::StrContains(fields[0], "TZ=")) {
    return CronInvalid(absl::StrCat("cron expression ", Quoted(text), " begins with a time zone"),
                       "give the zone as timeZone: beside cron:");
  }
  if (fields.size() != kFields.size()) {
    return WrongFieldCount(text, fields.size());
  }
  CronSchedule schedule;
  ASSIGN_OR_RETURN(schedule.minutes_, ParseField(0, fields[0]));
  ASSIGN_OR_RETURN(schedule.hours_, ParseField(1, fields[1]));
  ASSIGN_OR_RETURN(schedule.days_of_month_, ParseField(2, fields[2]));
  ASSIGN_OR_RETURN(schedule.months_, ParseField(3, fields[3]));
  ASSIGN_OR_RETURN(schedule.days_of_week_, ParseField(4, fields[4]));
  schedule.fixed_time_ = fields[0][0] != '*' && fields[1][0] != '*';
  schedule.any_day_will_do_ = fields[2][0] != '*' && fields[4][0] != '*';
  if (!schedule.any_day_will_do_ && !DateCanCome(schedule.days_of_month_, schedule.months_)) {
    return CronInvalid(absl::StrCat("cron expression ", Quoted(text), " never comes: no month of field 4 (month) ",
                                    Quoted(fields[3]), " has a day of field 3 (day of month) ", Quoted(fields[2])),
                       "for the last day of a month write L");
  }
  return schedule;
}

}  // namespace backup::server
