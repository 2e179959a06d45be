// SPDX-License-Identifier: Apache-2.0
#include "base/units.h"

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "base/errors.h"
#include "base/text.h"

namespace backup {
namespace {

constexpr int64_t kMaxSize = int64_t{1} << 62;
// The longest google.protobuf.Duration: 10,000 years.
constexpr int64_t kMaxDurationMs = int64_t{315'576'000'000} * 1000;

struct DurationUnit {
  absl::string_view name;
  int64_t milliseconds;
};
constexpr std::array<DurationUnit, 6> kDurationUnits = {
    {{"w", int64_t{7} * 86'400'000}, {"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};

constexpr absl::string_view kDurationHint =
    "write 30d, 6h, 10m, 90s, 500ms, or several from large to small such as 1h30m";

struct SizeUnit {
  absl::string_view name;
  int64_t bytes;
};
constexpr std::array<SizeUnit, 9> kSizeUnits = {{{"TiB", int64_t{1} << 40},
                                                 {"GiB", int64_t{1} << 30},
                                                 {"MiB", int64_t{1} << 20},
                                                 {"KiB", int64_t{1} << 10},
                                                 {"TB", 1'000'000'000'000},
                                                 {"GB", 1'000'000'000},
                                                 {"MB", 1'000'000},
                                                 {"kB", 1'000},
                                                 {"B", 1}}};

absl::Status Unreadable(absl::string_view what, absl::string_view text, absl::string_view why, absl::string_view hint) {
  return MakeError(absl::StatusCode::kInvalidArgument, "INVALID_VALUE",
                   absl::StrCat(what, " \"", CleanText(text, 100), "\" ", why), hint);
}

// Takes the decimal digits at the front of `text`.
absl::string_view TakeDigits(absl::string_view& text) {
  size_t count = 0;
  while (count < text.size() && absl::ascii_isdigit(text[count])) ++count;
  const absl::string_view digits = text.substr(0, count);
  text.remove_prefix(count);
  return digits;
}

absl::string_view TakeLetters(absl::string_view& text) {
  size_t count = 0;
  while (count < text.size() && absl::ascii_isalpha(text[count])) ++count;
  const absl::string_view letters = text.substr(0, count);
  text.remove_prefix(count);
  return letters;
}

}  // namespace

absl::StatusOr<absl::Duration> ParseDuration(absl::string_view text) {
  const auto fail = [&](absl::string_view why, absl::string_view hint = kDurationHint) {
    return Unreadable("duration", text, why, hint);
  };
  absl::string_view rest = absl::StripAsciiWhitespace(text);
  if (rest.empty()) return fail("is empty");
  if (rest == "0") return absl::ZeroDuration();
  int64_t total_ms = 0;
  size_t next_unit = 0;  // Units before this one may not follow any more.
  while (!rest.empty()) {
    const absl::string_view digits = TakeDigits(rest);
    int64_t count = 0;
    if (digits.empty()) return fail("is not understood");
    if (!absl::SimpleAtoi(digits, &count)) return fail("is too long");
    const absl::string_view name = TakeLetters(rest);
    if (name.empty() && rest.empty()) {
      return fail("has no unit",
                  absl::StrCat("write ", digits, "d for days, ", digits, "h, ", digits, "m or ", digits, "s"));
    }
    size_t unit = 0;
    while (unit < kDurationUnits.size() && kDurationUnits[unit].name != name) ++unit;
    if (unit == kDurationUnits.size()) return fail("has an unknown unit");
    if (unit < next_unit) return fail("does not go from large units to small, each once");
    next_unit = unit + 1;
    const int64_t room = (kMaxDurationMs - total_ms) / kDurationUnits[unit].milliseconds;
    if (count > room) return fail("is too long", "at most 3652500d");
    total_ms += count * kDurationUnits[unit].milliseconds;
    rest = absl::StripLeadingAsciiWhitespace(rest);
  }
  return absl::Milliseconds(total_ms);
}

std::string FormatDuration(absl::Duration duration) {
  int64_t left_ms = std::min(std::max<int64_t>(absl::ToInt64Milliseconds(duration), 0), kMaxDurationMs);
  std::string text;
  for (const DurationUnit& unit : kDurationUnits) {
    if (unit.name == "w" || left_ms < unit.milliseconds) continue;
    absl::StrAppend(&text, left_ms / unit.milliseconds, unit.name);
    left_ms %= unit.milliseconds;
  }
  return text.empty() ? "0s" : text;
}

absl::StatusOr<int64_t> ParseSize(absl::string_view text) {
  const auto fail = [&](absl::string_view why) {
    return Unreadable("size", text, why, "write 1500, 1500B, 64KiB, 1.5GiB or 2TB");
  };
  absl::string_view rest = absl::StripAsciiWhitespace(text);
  const absl::string_view whole_digits = TakeDigits(rest);
  if (whole_digits.empty()) return fail("is not understood");
  absl::string_view fraction_digits;
  if (absl::ConsumePrefix(&rest, ".")) {
    fraction_digits = TakeDigits(rest);
    if (fraction_digits.empty() || fraction_digits.size() > 9) return fail("is not understood");
  }
  rest = absl::StripLeadingAsciiWhitespace(rest);
  int64_t unit_bytes = 0;
  if (rest.empty() && fraction_digits.empty()) unit_bytes = 1;
  for (const SizeUnit& unit : kSizeUnits) {
    if (unit.name == rest) unit_bytes = unit.bytes;
  }
  if (unit_bytes == 0) return fail("has no unit that is known");
  int64_t whole = 0;
  if (!absl::SimpleAtoi(whole_digits, &whole) || whole > kMaxSize / unit_bytes) return fail("is too large");
  __extension__ using Wide = __int128;
  Wide fraction = 0;
  int64_t scale = 1;
  for (const char digit : fraction_digits) {
    fraction = fraction * 10 + (digit - '0');
    scale *= 10;
  }
  const Wide bytes = Wide{whole} * unit_bytes + fraction * unit_bytes / scale;
  if (bytes > kMaxSize) return fail("is too large");
  return static_cast<int64_t>(bytes);
}

std::string FormatSize(int64_t bytes) {
  constexpr std::array<absl::string_view, 4> kUnits = {"KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024) return absl::StrCat(bytes, " B");
  double value = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  // 1023.95 would be written "1024.0".
  while (value >= 1023.95 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return absl::StrFormat("%.1f %s", value, kUnits[unit]);
}

std::string FormatSizeExact(int64_t bytes) {
  for (const SizeUnit& unit : kSizeUnits) {
    const bool binary = absl::EndsWith(unit.name, "iB");
    if (binary && bytes >= unit.bytes && bytes % unit.bytes == 0) return absl::StrCat(bytes / unit.bytes, unit.name);
  }
  return absl::StrCat(bytes, "B");
}

absl::StatusOr<int32_t> ParsePercent(absl::string_view text) {
  const auto fail = [&](absl::string_view why) { return Unreadable("percentage", text, why, "write 50%"); };
  absl::string_view rest = absl::StripAsciiWhitespace(text);
  const absl::string_view digits = TakeDigits(rest);
  if (digits.empty()) return fail("is not understood");
  if (rest.empty()) return fail("has no \"%\"");
  if (rest != "%") return fail("is not understood");
  int32_t percent = 0;
  if (!absl::SimpleAtoi(digits, &percent) || percent > 1'000'000) return fail("is more than 1000000%");
  return percent;
}

std::string FormatRelative(absl::Time time, absl::Time now) {
  if (time == absl::InfiniteFuture() || time == absl::InfinitePast()) return "never";
  const absl::Duration distance = absl::AbsDuration(time - now);
  if (distance < absl::Seconds(1)) return "just now";
  std::string amount;
  for (const DurationUnit& unit : kDurationUnits) {
    if (unit.name == "w" || unit.name == "ms") continue;
    const absl::Duration step = absl::Milliseconds(unit.milliseconds);
    if (distance < step) continue;
    absl::Duration remainder;
    amount = absl::StrCat(absl::IDivDuration(distance, step, &remainder), unit.name);
    break;
  }
  return time < now ? absl::StrCat(amount, " ago") : absl::StrCat("in ", amount);
}

std::string FormatRfc3339(absl::Time time) { return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone()); }

}  // namespace backup
