// SPDX-License-Identifier: Apache-2.0
#include "base/units.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "tests/testing/fake_random.h"
#include "tests/testing/matchers.h"

namespace backup {
namespace {

using ::backup::testing::HasHint;
using ::backup::testing::IsOkAndHolds;
using ::backup::testing::StatusIs;
using ::testing::HasSubstr;

constexpr int64_t kMaxSize = int64_t{1} << 62;

TEST(ParseDurationTest, ReadsEachUnitAndTheirSums) {
  const struct {
    const char* text;
    absl::Duration duration;
  } kCases[] = {
      {"0", absl::ZeroDuration()},
      {"0s", absl::ZeroDuration()},
      {"500ms", absl::Milliseconds(500)},
      {"90s", absl::Seconds(90)},
      {"10m", absl::Minutes(10)},
      {"6h", absl::Hours(6)},
      {"30d", absl::Hours(30 * 24)},
      {"2w", absl::Hours(14 * 24)},
      {"1h30m", absl::Minutes(90)},
      {"6h 10m", absl::Minutes(370)},
      {"  6h   10m\t", absl::Minutes(370)},
      {"1w1d1h1m1s1ms", absl::Hours(8 * 24 + 1) + absl::Seconds(61) + absl::Milliseconds(1)},
      {"90m", absl::Minutes(90)},
      {"007s", absl::Seconds(7)},
      {"3652500d", absl::Seconds(315576000000)},
  };
  for (const auto& c : kCases) EXPECT_THAT(ParseDuration(c.text), IsOkAndHolds(c.duration)) << c.text;
}

TEST(ParseDurationTest, RefusesAllElse) {
  const char* const kCases[] = {"",
                                " ",
                                "10",
                                "1h30",
                                "h",
                                "-1h",
                                "+1h",
                                "1.5h",
                                "1m1h",
                                "1h1h",
                                "1 h",
                                "1y",
                                "1H",
                                "1hour",
                                "h1",
                                "1h,",
                                "1hm",
                                "0x1s",
                                "infinity",
                                "3652501d",
                                "1s\n1h",
                                "0 0",
                                "3652500d1ms",
                                "99999999999999999999d",
                                "9223372036854775807w",
                                "9223372036854775807ms",
                                "١s"};
  for (const char* const text : kCases) {
    EXPECT_THAT(ParseDuration(text), StatusIs(absl::StatusCode::kInvalidArgument)) << text;
  }
}

TEST(ParseDurationTest, SaysHowToGiveANumberItsUnit) {
  EXPECT_THAT(ParseDuration("10"), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("has no unit")));
  EXPECT_THAT(ParseDuration("10"), HasHint("write 10d for days, 10h, 10m or 10s"));
}

TEST(FormatDurationTest, WritesLargeUnitsFirst) {
  EXPECT_EQ(backup::FormatDuration(absl::ZeroDuration()), "0s");
  EXPECT_EQ(backup::FormatDuration(absl::Minutes(90)), "1h30m");
  EXPECT_EQ(backup::FormatDuration(absl::Hours(30 * 24)), "30d");
  EXPECT_EQ(backup::FormatDuration(absl::Milliseconds(61'001)), "1m1s1ms");
  EXPECT_EQ(backup::FormatDuration(absl::Microseconds(10)), "0s");
}

TEST(FormatDurationTest, StaysInWhatParseAcceptsForAnyDuration) {
  EXPECT_EQ(backup::FormatDuration(-absl::Hours(1)), "0s");
  EXPECT_EQ(backup::FormatDuration(absl::InfiniteDuration()), "3652500d");
  EXPECT_EQ(backup::FormatDuration(-absl::InfiniteDuration()), "0s");
}

TEST(FormatDurationTest, ParseGivesItBack) {
  testing::FakeRandom random;
  for (int i = 0; i < 2000; ++i) {
    const absl::Duration duration =
        absl::Milliseconds(static_cast<int64_t>(random.Next() >> (random.Next() % 40 + 16)));
    EXPECT_THAT(ParseDuration(backup::FormatDuration(duration)), IsOkAndHolds(duration));
  }
}

TEST(ParseSizeTest, ReadsEachUnit) {
  const struct {
    const char* text;
    int64_t bytes;
  } kCases[] = {
      {"0", 0},
      {"1500", 1500},
      {"1500B", 1500},
      {"1KiB", 1024},
      {"1kB", 1000},
      {"100MiB", 104857600},
      {"3MB", 3'000'000},
      {"1GiB", 1 << 30},
      {"2GB", 2'000'000'000},
      {"1TiB", int64_t{1} << 40},
      {"2TB", 2'000'000'000'000},
      {"1.5KiB", 1536},
      {"0.5 GiB", 1 << 29},
      {" 1.4 MiB ", 1468006},
      {"0.000000001TB", 1000},
      {"4611686018427387904", kMaxSize},
      {"4194304TiB", kMaxSize},
  };
  for (const auto& c : kCases) EXPECT_THAT(ParseSize(c.text), IsOkAndHolds(c.bytes)) << c.text;
}

TEST(ParseSizeTest, RefusesAllElse) {
  const char* const kCases[] = {"",
                                " ",
                                "-1",
                                "+1",
                                "1k",
                                "1K",
                                "1KB",
                                "1kib",
                                "KiB",
                                ".5GiB",
                                "1.GiB",
                                "1.5",
                                "1.5.5KiB",
                                "1e3",
                                "0x10",
                                "1 2",
                                "1KiBB",
                                "4194305TiB",
                                "1,5KiB",
                                "NaN",
                                "4611686018427387905",
                                "99999999999999999999",
                                "4194304.000000001TiB",
                                "1.0000000000KiB",
                                "9223372036854775807TB"};
  for (const char* const text : kCases) {
    EXPECT_THAT(ParseSize(text), StatusIs(absl::StatusCode::kInvalidArgument)) << text;
  }
}

TEST(FormatSizeTest, KeepsOneDecimalAndTheUnitInBounds) {
  EXPECT_EQ(FormatSize(0), "0 B");
  EXPECT_EQ(FormatSize(812), "812 B");
  EXPECT_EQ(FormatSize(1023), "1023 B");
  EXPECT_EQ(FormatSize(1024), "1.0 KiB");
  EXPECT_EQ(FormatSize(1468006), "1.4 MiB");
  EXPECT_EQ(FormatSize((1 << 20) - 1), "1.0 MiB");
  EXPECT_EQ(FormatSize(kMaxSize), "4194304.0 TiB");
}

TEST(FormatSizeExactTest, ParseGivesItBack) {
  EXPECT_EQ(FormatSizeExact(1024), "1KiB");
  EXPECT_EQ(FormatSizeExact(104857600), "100MiB");
  EXPECT_EQ(FormatSizeExact(1500), "1500B");
  EXPECT_EQ(FormatSizeExact(0), "0B");
  testing::FakeRandom random;
  for (int i = 0; i < 2000; ++i) {
    const int64_t bytes = static_cast<int64_t>(random.Next() >> (random.Next() % 60 + 2)) & ~((1 << i % 20) - 1);
    EXPECT_THAT(ParseSize(FormatSizeExact(bytes)), IsOkAndHolds(bytes));
    EXPECT_THAT(ParseSize(FormatSize(bytes)), testing::IsOk()) << bytes;
  }
}

TEST(ParsePercentTest, WantsAWholeNumberAndTheSign) {
  EXPECT_THAT(ParsePercent("0%"), IsOkAndHolds(0));
  EXPECT_THAT(ParsePercent("50%"), IsOkAndHolds(50));
  EXPECT_THAT(ParsePercent("1000000%"), IsOkAndHolds(1'000'000));
  for (const char* const text : {"", "50", "%", "-1%", "1.5%", "50 %", "1000001%", "99999999999999999999%", "50%%"}) {
    EXPECT_THAT(ParsePercent(text), StatusIs(absl::StatusCode::kInvalidArgument)) << text;
  }
}

TEST(FormatRelativeTest, UsesTheLargestWholeUnit) {
  const absl::Time now = absl::FromUnixSeconds(1'800'000'000);
  EXPECT_EQ(FormatRelative(now, now), "just now");
  EXPECT_EQ(FormatRelative(now - absl::Milliseconds(900), now), "just now");
  EXPECT_EQ(FormatRelative(now - absl::Seconds(59), now), "59s ago");
  EXPECT_EQ(FormatRelative(now - absl::Seconds(200), now), "3m ago");
  EXPECT_EQ(FormatRelative(now + absl::Minutes(250), now), "in 4h");
  EXPECT_EQ(FormatRelative(now - absl::Hours(24 * 400), now), "400d ago");
  EXPECT_EQ(FormatRelative(absl::InfiniteFuture(), now), "never");
  EXPECT_EQ(FormatRelative(absl::InfinitePast(), now), "never");
}

TEST(FormatRfc3339Test, IsUtcWithSeconds) {
  EXPECT_EQ(FormatRfc3339(absl::FromUnixSeconds(1'795'471'200) + absl::Milliseconds(999)), "2026-11-23T22:00:00Z");
}

}  // namespace
}  // namespace backup
