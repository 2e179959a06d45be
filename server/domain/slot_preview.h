// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "backup/v1/policy.pb.h"

namespace backup::server {

// A slot that is to come.
struct PreviewedSlot {
  absl::Time slot_time;
  std::string local_time;  // As the clock of the schedule's zone shows it, with its distance from UTC: RFC 3339.
  // What clock changes do to it, for people: its time does not exist on that day, comes twice, or the clock changed
  // since the slot before; or what notDuring does: it waits, or is skipped. Empty for nothing.
  std::string note;
};

// The first `count` slots later than `after`; fewer when the schedule ends. Errors of Schedule::Create. Pure.
absl::StatusOr<std::vector<PreviewedSlot>> PreviewSlots(const v1::ScheduleSpec& spec, absl::Time after, int count);

}  // namespace backup::server
