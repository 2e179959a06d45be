// SPDX-License-Identifier: Apache-2.0
#include "server/domain/schedule.h"

#include <cstdint>

#include "base/errors.h"
#include "base/proto_json.h"
#include "base/status_macros.h"
#include "server/domain/time_zone.h"

namespace backup::server {
namespace {

constexpr absl::Duration kLeastInterval = absl::Minutes(1);

// FNV-1a, so that the value does not depend on a library's seed.
uint64_t Fnv1a(absl::string_view text, uint64_t hash) {
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  return hash;
}

// The finalizer of SplitMix64: FNV alone leaves the low bits of similar names alike.
uint64_t Mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

}  // namespace

absl::StatusOr<Schedule> Schedule::Create(const v1::ScheduleSpec& spec) {
  Schedule schedule;
  if (spec.cron().empty() == !spec.has_every()) {
    return MakeError(absl::StatusCode::kInvalidArgument, "SCHEDULE_INVALID",
                     "a schedule has exactly one of cron and every");
  }
  if (spec.has_every()) {
    // Slots are compared with what the catalog gives back, and it keeps microseconds.
    schedule.every_ = absl::Trunc(ToAbsl(spec.every()), absl::Seconds(1));
    if (schedule.every_ < kLeastInterval || schedule.every_ == absl::InfiniteDuration()) {
      return MakeError(absl::StatusCode::kInvalidArgument, "SCHEDULE_INVALID", "every is less than 1m");
    }
    return schedule;
  }
  ASSIGN_OR_RETURN(schedule.zone_, FindTimeZone(spec.time_zone()));
  ASSIGN_OR_RETURN(schedule.cron_, CronSchedule::Parse(spec.cron()));
  return schedule;
}

absl::Time Schedule::NextSlot(absl::Time after) const {
  if (cron_.has_value()) {
    return cron_->Next(after, zone_);
  }
  if (after == absl::InfiniteFuture()) {
    return after;
  }
  return absl::UnixEpoch() + absl::Floor(after - absl::UnixEpoch(), every_) + every_;
}

absl::Duration Jitter(absl::string_view policy, absl::string_view database, absl::Duration max) {
  const int64_t seconds = absl::ToInt64Seconds(max);
  if (seconds <= 0) {
    return absl::ZeroDuration();
  }
  const uint64_t hash = Mix(Fnv1a(database, Fnv1a(absl::string_view("\0", 1), Fnv1a(policy, 0xcbf29ce484222325))));
  return absl::Seconds(hash % static_cast<uint64_t>(seconds));
}

}  // namespace backup::server
