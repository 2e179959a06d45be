// SPDX-License-Identifier: Apache-2.0
#include "ctl/time_argument.h"

#include <gtest/gtest.h>

#include <string>

#include "base/units.h"
#include "tests/testing/matchers.h"

namespace backup::ctl {
namespace {

using ::backup::testing::HasReason;

std::string Parsed(const std::string& text) {
  const absl::Time now = absl::FromUnixSeconds(1795507200);  // 2026-11-24T08:00:00Z
  const absl::StatusOr<absl::Time> time = ParseTimeArgument("--since", text, now);
  return time.ok() ? FormatRfc3339(*time) : "none";
}

TEST(TimeArgumentTest, TakesAgesDaysAndMoments) {
  EXPECT_EQ(Parsed("90d"), "2026-08-26T08:00:00Z");
  EXPECT_EQ(Parsed("1d12h"), "2026-11-22T20:00:00Z");
  EXPECT_EQ(Parsed("0"), "2026-11-24T08:00:00Z");
  EXPECT_EQ(Parsed("2026-07-01"), "2026-07-01T00:00:00Z");
  EXPECT_EQ(Parsed("2026-07-01T02:00:00+02:00"), "2026-07-01T00:00:00Z");
}

TEST(TimeArgumentTest, RefusesAllElse) {
  for (const char* text : {"", "yesterday", "90", "-5d", "2026-13-01", "2026-07", "infinite-future", "07/01/2026"}) {
    EXPECT_EQ(Parsed(text), "none") << text;
  }
  EXPECT_THAT(ParseTimeArgument("--since", "x", absl::UnixEpoch()), HasReason("WRONG_USAGE"));
}

}  // namespace
}  // namespace backup::ctl
