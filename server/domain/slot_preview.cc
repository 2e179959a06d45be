// SPDX-License-Identifier: Apache-2.0
#include "server/domain/slot_preview.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/civil_time.h"
#include "base/proto_json.h"
#include "base/status_macros.h"
#include "server/domain/exclusions.h"
#include "server/domain/schedule.h"
#include "server/domain/time_zone.h"

namespace backup::server {
namespace {

std::string OffsetText(int seconds_east) {
  const int minutes = seconds_east / 60;
  const int distance = minutes < 0 ? -minutes : minutes;
  return absl::StrFormat("%c%02d:%02d", minutes < 0 ? '-' : '+', distance / 60, distance % 60);
}

class Previewer {
 public:
  Previewer(Schedule schedule, Exclusions exclusions, absl::Duration start_deadline, absl::TimeZone zone)
      : schedule_(std::move(schedule)),
        exclusions_(std::move(exclusions)),
        start_deadline_(start_deadline),
        zone_(zone) {}

  std::vector<PreviewedSlot> Run(absl::Time after, int count) const {
    std::vector<PreviewedSlot> slots;
    int offset_before = zone_.At(after).offset;
    for (absl::Time slot = schedule_.NextSlot(after);
         slot != absl::InfiniteFuture() && static_cast<int>(slots.size()) < count; slot = schedule_.NextSlot(slot)) {
      const int offset = zone_.At(slot).offset;
      std::vector<std::string> notes = {Note(slot, offset_before, offset), ExclusionNote(slot)};
      notes.erase(std::remove(notes.begin(), notes.end(), ""), notes.end());
      slots.push_back({slot, absl::FormatTime(absl::RFC3339_sec, slot, zone_), absl::StrJoin(notes, "; ")});
      offset_before = offset;
    }
    return slots;
  }

 private:
  std::string Note(absl::Time slot, int offset_before, int offset) const {
    const absl::CivilSecond shown = zone_.At(slot).cs;
    const std::optional<CronSchedule>& cron = schedule_.cron();
    if (cron.has_value() && !cron->Matches(absl::CivilMinute(shown))) {
      return "the clock is put forward over its time: it runs at the first moment after that";
    }
    if (zone_.At(shown).kind == absl::TimeZone::TimeInfo::REPEATED) {
      return cron.has_value() && cron->is_fixed_time() ? "the clock shows its time twice: it runs at the first"
                                                       : "the clock shows its time twice";
    }
    if (offset != offset_before) {
      return absl::StrCat("the clock changed from UTC", OffsetText(offset_before), " to UTC", OffsetText(offset));
    }
    return "";
  }

  std::string ExclusionNote(absl::Time slot) const {
    const absl::Time deadline = slot + start_deadline_;
    const absl::Time start = FirstStart(exclusions_.Between(slot, deadline), slot, absl::ZeroDuration(), deadline);
    if (start == slot) {
      return "";
    }
    if (start >= deadline) {
      return "notDuring lets nothing start until its deadline: it is skipped";
    }
    return absl::StrCat("notDuring lets nothing start: it waits until ",
                        absl::FormatTime(absl::RFC3339_sec, start, zone_));
  }

  const Schedule schedule_;
  const Exclusions exclusions_;
  const absl::Duration start_deadline_;
  const absl::TimeZone zone_;
};

}  // namespace

absl::StatusOr<std::vector<PreviewedSlot>> PreviewSlots(const v1::ScheduleSpec& spec, absl::Time after, int count) {
  ASSIGN_OR_RETURN(Schedule schedule, Schedule::Create(spec));
  ASSIGN_OR_RETURN(const absl::TimeZone zone, FindTimeZone(spec.time_zone()));
  ASSIGN_OR_RETURN(Exclusions exclusions, Exclusions::Create(spec));
  return Previewer(std::move(schedule), std::move(exclusions), ToAbsl(spec.start_deadline()), zone).Run(after, count);
}

}  // namespace backup::server
