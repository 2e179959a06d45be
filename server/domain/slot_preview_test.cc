// SPDX-License-Identifier: Apache-2.0
#include "server/domain/slot_preview.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/proto_json.h"
#include "server/domain/test_data.h"
#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using ::backup::testing::At;
using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

v1::ScheduleSpec Cron(const std::string& cron, const std::string& zone) {
  v1::ScheduleSpec spec;
  spec.set_cron(cron);
  spec.set_time_zone(zone);
  return spec;
}

// Local times, with what is said of them.
std::vector<std::string> Lines(const v1::ScheduleSpec& spec, const std::string& after, int count) {
  const auto slots = PreviewSlots(spec, At(after), count);
  EXPECT_THAT(slots, IsOk());
  std::vector<std::string> lines;
  for (const PreviewedSlot& slot : *slots) {
    lines.push_back(slot.local_time + (slot.note.empty() ? "" : " " + slot.note.substr(0, 35)));
  }
  return lines;
}

TEST(SlotPreviewTest, ShowsSlotsAsTheZonesClockDoes) {
  EXPECT_THAT(Lines(Cron("0 22 * * *", "Europe/Berlin"), "2026-11-27T12:00:00Z", 2),
              ElementsAre("2026-11-27T22:00:00+01:00", "2026-11-28T22:00:00+01:00"));
}

TEST(SlotPreviewTest, SaysWhenAClockChangeMovesASlot) {
  EXPECT_THAT(Lines(Cron("30 2 * * *", "Europe/Berlin"), "2026-03-27T12:00:00Z", 3),
              ElementsAre("2026-03-28T02:30:00+01:00", "2026-03-29T03:00:00+02:00 the clock is put forward over its t",
                          "2026-03-30T02:30:00+02:00"));
  EXPECT_THAT(Lines(Cron("30 2 * * *", "Europe/Berlin"), "2026-10-24T12:00:00Z", 2),
              ElementsAre("2026-10-25T02:30:00+02:00 the clock shows its time twice: it ",
                          "2026-10-26T02:30:00+01:00 the clock changed from UTC+02:00 to"));
  EXPECT_THAT(Lines(Cron("*/30 2 * * *", "Europe/Berlin"), "2026-10-25T00:00:00Z", 4),
              ElementsAre("2026-10-25T02:30:00+02:00 the clock shows its time twice",
                          "2026-10-25T02:00:00+01:00 the clock shows its time twice",
                          "2026-10-25T02:30:00+01:00 the clock shows its time twice", "2026-10-26T02:00:00+01:00"));
}

TEST(SlotPreviewTest, AnIntervalKnowsNoZone) {
  v1::ScheduleSpec spec;
  *spec.mutable_every() = ToProto(absl::Hours(12));
  EXPECT_THAT(Lines(spec, "2026-10-24T13:00:00Z", 2),
              ElementsAre("2026-10-25T00:00:00+00:00", "2026-10-25T12:00:00+00:00"));
}

TEST(SlotPreviewTest, SaysWhatWaitsAndWhatIsSkipped) {
  v1::ScheduleSpec spec = Cron("0 6,20 * * *", "Europe/Berlin");
  *spec.mutable_start_deadline() = ToProto(absl::Hours(6));
  v1::ExclusionWindow& night = *spec.add_not_during();
  night.set_cron("0 19 * * *");
  *night.mutable_duration() = ToProto(absl::Hours(8));
  v1::ExclusionWindow& morning = *spec.add_not_during();
  morning.set_cron("30 5 * * *");
  *morning.mutable_duration() = ToProto(absl::Minutes(90));
  const auto slots = PreviewSlots(spec, At("2026-11-27T12:00:00Z"), 2);
  ASSERT_THAT(slots, IsOk());
  EXPECT_EQ(slots->at(0).note, "notDuring lets nothing start until its deadline: it is skipped");
  EXPECT_EQ(slots->at(1).note, "notDuring lets nothing start: it waits until 2026-11-28T07:00:00+01:00");
}

TEST(SlotPreviewTest, EndsWithTheSchedule) {
  EXPECT_THAT(*PreviewSlots(Cron("0 0 1 1 *", "UTC"), absl::InfiniteFuture(), 5), IsEmpty());
  EXPECT_THAT(PreviewSlots(Cron("0 0 31 2 *", "UTC"), At("2026-01-01T00:00:00Z"), 5), HasReason("CRON_INVALID"));
}

}  // namespace
}  // namespace backup::server
