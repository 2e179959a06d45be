// SPDX-License-Identifier: Apache-2.0
#include "server/loops/clock_watch.h"

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/proto_json.h"
#include "base/status_macros.h"
#include "base/units.h"
#include "server/domain/run_state.h"

namespace backup::server {
namespace {

constexpr char kClockSubject[] = "clock";
constexpr char kClockActor[] = "controller";
constexpr char kJumped[] = "CLOCK_JUMPED";
constexpr char kSteady[] = "CLOCK_STEADY";

}  // namespace

ClockWatch::ClockWatch(Store& store, const Clock& clock, ClockWatchOptions options)
    : store_(store),
      clock_(clock),
      options_(options),
      last_time_(clock.Now()),
      last_monotonic_(clock.Monotonic()),
      calm_since_(clock.Monotonic()) {}

bool ClockWatch::jumped() const {
  MutexLock lock(mu_);
  return jumped_;
}

std::string ClockWatch::problem() const {
  MutexLock lock(mu_);
  return problem_;
}

absl::Duration ClockWatch::RunOnce() {
  const absl::Time now = clock_.Now();
  const absl::Duration monotonic = clock_.Monotonic();
  const absl::Duration step = (now - last_time_) - (monotonic - last_monotonic_);
  last_time_ = now;
  last_monotonic_ = monotonic;
  if (!remembered_) {
    if (const absl::Status status = Remember(); !status.ok()) {
      return options_.interval;
    }
    remembered_ = true;
  }
  if (absl::AbsDuration(step) > options_.max_step) {
    TellJump(step);
  } else if (jumped() && monotonic - calm_since_ >= options_.calm) {
    unwritten_.push_back(
        MakeEvent(now, kClockActor, kClockSubject, kSteady,
                  absl::StrCat("the clock has run evenly for ", backup::FormatDuration(options_.calm))));
    LogInfo("the clock runs evenly again; retention goes on");
    MutexLock lock(mu_);
    jumped_ = false;
    problem_.clear();
  }
  WriteEvents();
  return options_.interval;
}

absl::Status ClockWatch::Remember() {
  ASSIGN_OR_RETURN(const Page<v1::Event> newest, store_.ListEvents("", {1, ""}));
  ASSIGN_OR_RETURN(const Page<v1::Event> last, store_.ListEvents(kClockSubject, {1, ""}));
  const bool was_jumped = !last.items.empty() && last.items[0].type() == kJumped;
  {
    MutexLock lock(mu_);
    jumped_ = was_jumped;
    problem_ = was_jumped ? last.items[0].message() : "";
  }
  if (!newest.items.empty()) {
    const absl::Duration ahead = ToAbsl(newest.items[0].time()) - last_time_;
    // Known already: the catalog's newest word may well be that of the jump.
    if (ahead > options_.max_step && !was_jumped) TellJump(-ahead);
  }
  return absl::OkStatus();
}

void ClockWatch::TellJump(absl::Duration step) {
  calm_since_ = last_monotonic_;
  const std::string text =
      absl::StrCat("the controller's clock moved ", step > absl::ZeroDuration() ? "forward" : "back", " by ",
                   backup::FormatDuration(absl::Trunc(absl::AbsDuration(step), absl::Seconds(1))), ", to ",
                   FormatRfc3339(last_time_), "; no backup is deleted until it has run evenly for ",
                   backup::FormatDuration(options_.calm));
  LogError("the clock jumped", {{"what", text}, {"hint", "see that the host's time is right, and stays so"}});
  unwritten_.push_back(MakeEvent(last_time_, kClockActor, kClockSubject, kJumped, text));
  MutexLock lock(mu_);
  jumped_ = true;
  problem_ = text;
}

void ClockWatch::WriteEvents() {
  if (!unwritten_.empty() && store_.AppendEvents(unwritten_).ok()) {
    unwritten_.clear();
  }
}

}  // namespace backup::server
