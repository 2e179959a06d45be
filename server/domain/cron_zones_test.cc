// SPDX-License-Identifier: Apache-2.0
// Every zone there is, ten years, minute by minute: no slot is lost and none comes twice.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "server/domain/cron_reference.h"

namespace backup::server {
namespace {

constexpr char kZoneList[] = "/usr/share/zoneinfo/tzdata.zi";
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kYears = 1;  // They make it ten times as slow, and look for something else.
#else
constexpr int kYears = 10;
#endif
constexpr int kShards = 8;

const absl::Time kBegin = absl::FromCivil(absl::CivilDay(2024, 1, 1), absl::UTCTimeZone());
const absl::Time kEnd = absl::FromCivil(absl::CivilDay(2024 + kYears, 1, 1), absl::UTCTimeZone());

// The stretches of one distance from UTC between two instants: where each begins, and what it is in seconds.
std::vector<std::pair<absl::Time, int>> StretchesOf(const absl::TimeZone& zone) {
  std::vector<std::pair<absl::Time, int>> stretches = {{kBegin, zone.At(kBegin).offset}};
  absl::TimeZone::CivilTransition transition;
  for (absl::Time t = kBegin; zone.NextTransition(t, &transition); t = zone.At(transition.to).trans) {
    const absl::Time at = zone.At(transition.to).trans;
    if (at >= kEnd || at <= t) {
      break;
    }
    stretches.emplace_back(at, zone.At(at).offset);
  }
  return stretches;
}

// Names of zones by their stretches: one of each kind is enough.
std::vector<std::string> DistinctZones() {
  std::ifstream file(kZoneList);
  std::map<std::vector<std::pair<absl::Time, int>>, std::string> by_stretches;
  for (std::string line; std::getline(file, line);) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    absl::TimeZone zone;
    if (words.size() > 2 && words[0] == "Z" && absl::LoadTimeZone(words[1], &zone)) {
      by_stretches.emplace(StretchesOf(zone), words[1]);
    }
  }
  std::vector<std::string> names;
  for (const auto& [stretches, name] : by_stretches) {
    names.push_back(name);
  }
  return names;
}

// Every minute at which the wall clock shows a match, for schedules of no fixed time.
std::vector<std::vector<absl::Time>> WalkWallClock(const std::vector<Reference>& references,
                                                   const absl::TimeZone& zone) {
  std::vector<std::vector<absl::Time>> slots(references.size());
  std::vector<std::pair<absl::Time, int>> stretches = StretchesOf(zone);
  stretches.emplace_back(kEnd + absl::Minutes(1), 0);
  std::vector<bool> on_day(references.size());
  for (size_t s = 0; s + 1 < stretches.size(); ++s) {
    const auto [begin, offset] = stretches[s];
    // Whole minutes of the wall clock: every distance from UTC of these years is one.
    absl::CivilMinute shown(absl::CivilSecond(1970, 1, 1) + absl::ToUnixSeconds(begin) + offset);
    absl::CivilDay day = absl::CivilDay(shown) - 1;
    for (absl::Time t = begin; t < stretches[s + 1].first; t += absl::Minutes(1), ++shown) {
      if (absl::CivilDay(shown) != day) {
        day = absl::CivilDay(shown);
        for (size_t i = 0; i < references.size(); ++i) {
          on_day[i] = !references[i].fixed && references[i].MatchesDay(day);
        }
      }
      for (size_t i = 0; i < references.size(); ++i) {
        if (on_day[i] && t > kBegin && references[i].sets[0].contains(shown.minute()) &&
            references[i].sets[1].contains(shown.hour())) {
          slots[i].push_back(t);
        }
      }
    }
  }
  return slots;
}

class CronZonesTest : public ::testing::TestWithParam<int> {};

TEST_P(CronZonesTest, NoSlotIsLostAndNoneComesTwice) {
  const std::vector<std::string> names = DistinctZones();
  ASSERT_GT(names.size(), 50u) << kZoneList << ": the tzdata package is needed";
  std::vector<Reference> references;
  for (const char* expression : kSchedules) {
    references.emplace_back(expression);
  }
  for (size_t n = static_cast<size_t>(GetParam()); n < names.size(); n += kShards) {
    absl::TimeZone zone;
    ASSERT_TRUE(absl::LoadTimeZone(names[n], &zone));
    const std::vector<std::vector<absl::Time>> walked = WalkWallClock(references, zone);
    for (size_t i = 0; i < references.size(); ++i) {
      const std::vector<absl::Time> expected =
          references[i].fixed ? WalkDays(references[i], zone, kBegin, kEnd) : walked[i];
      ASSERT_FALSE(expected.empty()) << kSchedules[i];
      ASSERT_TRUE(AllNext(kSchedules[i], zone, kBegin, kEnd) == expected) << kSchedules[i] << " in " << names[n];
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shards, CronZonesTest, ::testing::Range(0, kShards));

}  // namespace
}  // namespace backup::server
