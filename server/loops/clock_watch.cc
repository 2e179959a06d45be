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
      calm_since_(clock.Monotonic()),
      last_time_(clock.Now()),
      last_monotonic_(clock.Monotonic()) {}

bool ClockWatch::jumped() const {
  MutexLock lock(mu_);
  // Also what the next look is yet to find.
  return jumped_ || absl::AbsDuration(StepSinceLastLook()) > options_.max_step;
}

absl::Duration ClockWatch::StepSinceLastLook() const {
  return (clock_.Now() - last_time_) - (clock_.Monotonic() - last_monotonic_);
}

std::string ClockWatch::problem() const {
  MutexLock lock(mu_);
  return problem_;
}

absl::Duration ClockWatch::RunOnce() {
  // Until the catalog was read no look counts, so that no step is forgotten.
  if (!remembered_) {
    if (const absl::Status status = Remember(); !status.ok()) {
      return options_.interval;
    }
    remembered_ = true;
  }
  const absl::Time now = clock_.Now();
  const absl::Duration monotonic = clock_.Monotonic();
  absl::Duration step;
  {
    MutexLock lock(mu_);
    step = StepSinceLastLook();
    last_time_ = now;
    last_monotonic_ = monotonic;
  }
  if (absl::AbsDuration(step) > options_.max_step) {
    TellJump(step, now);
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
    const absl::Time now = clock_.Now();
    const absl::Duration ahead = ToAbsl(newest.items[0].time()) - now;
    // Known already: the catalog's newest word may well be that of the jump.
    if (ahead > options_.max_step && !was_jumped) TellJump(-ahead, now);
  }
  return absl::OkStatus();
}

void ClockWatch::TellJump(absl::Duration step, absl::Time now) {
  calm_since_ = clock_.Monotonic();
  const std::string text = absl::StrCat(
      "the controller's clock moved ", step > absl::ZeroDuration() ? "forward" : "back", " by ",
      backup::FormatDuration(absl::Trunc(absl::AbsDuration(step), absl::Seconds(1))), ", to ", FormatRfc3339(now),
      "; no backup is deleted until it has run evenly for ", backup::FormatDuration(options_.calm));
  LogError("the clock jumped", {{"what", text}, {"hint", "see that the host's time is right, and stays so"}});
  unwritten_.push_back(MakeEvent(now, kClockActor, kClockSubject, kJumped, text));
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
