// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/loop_measures.h"

#include <atomic>
#include <cstdio>
#include <functional>
#include <map>
#include <string>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/status_macros.h"
#include "server/domain/fleet_health.h"
#include "server/domain/fleet_overview.h"
#include "server/domain/retention.h"
#include "server/loops/change_feed.h"
#include "server/loops/fleet_watch.h"
#include "server/loops/scheduler.h"
#include "tests/bench/latency.h"

namespace backup::bench {
namespace {

// The made-up fleet's time, which goes on as ours does.
class BenchClock : public Clock {
 public:
  explicit BenchClock(absl::Time now) : begin_(now), start_(Clock::Real().Monotonic()) {}
  absl::Time Now() const override { return begin_ + (Monotonic() - start_); }
  void Advance(absl::Duration step) { begin_ += step; }
  absl::Duration Monotonic() const override { return Clock::Real().Monotonic(); }

 private:
  absl::Time begin_;
  const absl::Duration start_;
};

constexpr absl::Duration kStatusLimit = absl::Milliseconds(100);
constexpr absl::Duration kTurnLimit = absl::Milliseconds(200);

// Times `calls` calls and prints a row, when `what` is wanted.
absl::Status Measure(const MeasureOptions& options, const std::string& what, absl::Duration limit, int calls,
                     const std::function<absl::Status()>& call) {
  if (!absl::StrContains(what, options.only)) return absl::OkStatus();
  Latency latency(what);
  for (int i = 0; i < calls; ++i) RETURN_IF_ERROR(latency.Time(call));
  std::printf("%s\n", latency.Row(limit).c_str());
  std::fflush(stdout);
  return absl::OkStatus();
}

// Turns of a scheduler that has been at work: with nothing to do, and while it plans all policies anew.
absl::Status MeasureTurns(server::Store& store, absl::Time now, const MeasureOptions& options) {
  if (!absl::StrContains("scheduler", options.only)) return absl::OkStatus();
  BenchClock clock(now);
  server::ChangeFeed feed;
  server::Scheduler scheduler(store, clock, Random::Real(), feed);
  Latency first("scheduler, turns until a controller has caught up");
  Latency idle("scheduler, turn with nothing to do");
  Latency planning("scheduler, turns while all policies are planned anew");
  const auto turn = [&](Latency& latency) {
    absl::Duration wait;
    latency
        .Time([&] {
          wait = scheduler.RunOnce();
          return absl::OkStatus();
        })
        .IgnoreError();
    return wait;
  };
  while (turn(first) == absl::ZeroDuration()) {
  }
  for (int i = 0; i < options.calls; ++i) turn(idle);
  scheduler.RequestReplan();
  while (turn(planning) == absl::ZeroDuration()) {
  }
  std::printf("%s\n%s\n%s\n", first.Row(kTurnLimit).c_str(), idle.Row(kTurnLimit).c_str(),
              planning.Row(kTurnLimit).c_str());
  std::fflush(stdout);
  return absl::OkStatus();
}

// Compacts the oldest months; what it does to the catalog stays.
absl::Status MeasureCompaction(server::Store& store, absl::Time now, const MeasureOptions& options) {
  if (!absl::StrContains("compaction", options.only)) return absl::OkStatus();
  Latency steps("compaction, steps of 500 runs");
  server::Compaction done;
  int64_t removed = 0;
  for (int i = 0; i < options.calls; ++i) {
    RETURN_IF_ERROR(steps.Time([&]() -> absl::Status {
      ASSIGN_OR_RETURN(done, store.CompactRuns(now - absl::Hours(24 * 150), done.next, 500));
      return absl::OkStatus();
    }));
    removed += done.removed_count;
    if (done.next.empty()) break;
  }
  std::printf("%s\n(%d runs removed)\n", steps.Row(absl::InfiniteDuration()).c_str(), static_cast<int>(removed));
  std::fflush(stdout);
  return absl::OkStatus();
}

// Turns of a scheduler at a minute after a full hour, when a tenth of all-hourly's runs have fallen due. What it does
// to the catalog stays.
absl::Status MeasureDueRuns(server::Store& store, absl::Time now, const MeasureOptions& options) {
  if (!absl::StrContains("scheduler, runs that fall due", options.only)) return absl::OkStatus();
  BenchClock clock(now + absl::Minutes(59));
  server::ChangeFeed feed;
  server::Scheduler scheduler(store, clock, Random::Real(), feed);
  while (scheduler.RunOnce() == absl::ZeroDuration()) {  // Catches up.
  }
  clock.Advance(absl::Minutes(2));
  ASSIGN_OR_RETURN(const std::vector<std::string> due, store.ListRunsToAdvance(clock.Now(), 1 << 20));
  Latency turns(absl::StrCat("scheduler, turns while ", due.size(), " runs fall due"));
  absl::Duration wait = absl::ZeroDuration();
  for (int i = 0; i < 10000 && wait == absl::ZeroDuration(); ++i) {
    RETURN_IF_ERROR(turns.Time([&] {
      wait = scheduler.RunOnce();
      return absl::OkStatus();
    }));
  }
  std::printf("%s\n", turns.Row(kTurnLimit).c_str());
  std::fflush(stdout);
  return absl::OkStatus();
}

// Plans retention of the whole fleet while another thread lists runs.
absl::Status MeasureRetention(server::Store& store, const BenchFleet& fleet, const MeasureOptions& options) {
  if (!absl::StrContains("retention of the whole fleet", options.only)) return absl::OkStatus();
  std::map<std::string, v1::Policy> policies;
  for (const v1::Policy& policy : fleet.policies()) policies[policy.name()] = policy;
  std::atomic<bool> ended = false;
  Latency beside("run list, first page of 100, beside retention");
  std::thread lister([&] {
    v1::RunFilter filter;
    filter.set_policy("policies/nightly");
    while (!ended) beside.Time([&] { return store.ListRuns(filter, {100, ""}).status(); }).IgnoreError();
  });
  Latency whole("retention of the whole fleet");
  int64_t backup_count = 0;
  int64_t delete_count = 0;
  const absl::Status status = whole.Time([&]() -> absl::Status {
    server::PageRequest request;
    do {
      ASSIGN_OR_RETURN(const server::Page<server::RetentionView> page, store.ListRetentionViews(fleet.Now(), request));
      for (const server::RetentionView& view : page.items) {
        const server::RetentionPlan plan = server::PlanRetention(view.state, policies[view.policy].spec().retention(),
                                                                 absl::UTCTimeZone(), fleet.Now());
        for (const server::RetentionDecision& decision : plan.decisions) {
          ++backup_count;
          delete_count += decision.keep.empty() ? 1 : 0;
        }
      }
      request.token = page.next_token;
    } while (!request.token.empty());
    return absl::OkStatus();
  });
  ended = true;
  lister.join();
  std::printf("%s\n%s\n(%d backups that exist, of which %d go)\n", whole.Row(absl::Seconds(30)).c_str(),
              beside.Row(absl::Milliseconds(20)).c_str(), static_cast<int>(backup_count),
              static_cast<int>(delete_count));
  std::fflush(stdout);
  return status;
}

absl::Status MeasureStatus(server::Store& store, const BenchFleet& fleet, const MeasureOptions& options) {
  if (!absl::StrContains("fleet watch", options.only) && !absl::StrContains("status, judged", options.only)) {
    return absl::OkStatus();
  }
  const absl::Time now = fleet.Now();
  const BenchClock clock(now);
  server::FrozenRetention frozen_retention;
  server::FleetWatch watch(store, clock, frozen_retention);
  Latency turns("fleet watch, turns of a look at all");
  while (watch.overview() == nullptr) {
    RETURN_IF_ERROR(turns.Time([&] {
      watch.RunOnce();
      return absl::OkStatus();
    }));
  }
  std::printf("%s\n", turns.Row(absl::InfiniteDuration()).c_str());
  const std::shared_ptr<const server::FleetOverview> overview = watch.overview();
  RETURN_IF_ERROR(Measure(options, "status, as the catalog gives it", kStatusLimit, options.calls,
                          [&] { return store.ReadFleetStatus(now, overview->worst).status(); }));
  return Measure(options, "status, judged", kStatusLimit, options.calls, [&]() -> absl::Status {
    ASSIGN_OR_RETURN(v1::FleetStatus status, store.ReadFleetStatus(now, overview->worst));
    ASSIGN_OR_RETURN(const std::vector<v1::Policy> policies, store.ReadPolicies());
    server::JudgeFleet(status, policies, now);
    server::CountFleet(overview.get(), status);
    return absl::OkStatus();
  });
}

}  // namespace

absl::Status PlanAhead(server::Store& store, const BenchFleet& fleet) {
  BenchClock clock(fleet.Now());
  server::ChangeFeed feed;
  server::Scheduler scheduler(store, clock, Random::Real(), feed);
  Latency turns("scheduler, turns until all is planned");
  for (int i = 0; i < 10000; ++i) {
    absl::Duration wait;
    RETURN_IF_ERROR(turns.Time([&] {
      wait = scheduler.RunOnce();
      return absl::OkStatus();
    }));
    if (wait > absl::ZeroDuration()) break;
  }
  std::printf("%s\n%s\n", Latency::Header().c_str(), turns.Row(absl::InfiniteDuration()).c_str());
  return absl::OkStatus();
}

absl::Status MeasureLoops(server::Store& store, const BenchFleet& fleet, const MeasureOptions& options) {
  const absl::Time now = fleet.Now();
  RETURN_IF_ERROR(MeasureStatus(store, fleet, options));
  RETURN_IF_ERROR(Measure(options, "runs to advance", kTurnLimit, options.calls,
                          [&] { return store.ListRunsToAdvance(now, 500).status(); }));
  RETURN_IF_ERROR(Measure(options, "next time to advance", kTurnLimit, options.calls,
                          [&] { return store.NextAdvanceTime(now).status(); }));
  RETURN_IF_ERROR(Measure(options, "policies", absl::InfiniteDuration(), 5, [&] {
    return store.ListPolicies({1000, ""}).status();
  }));
  RETURN_IF_ERROR(Measure(options, "open runs of an agent", absl::Milliseconds(20), options.calls,
                          [&] { return store.ListOpenRuns("agents/db-00123", now + absl::Hours(24)).status(); }));
  RETURN_IF_ERROR(Measure(options, "open runs of an agent of 50 databases", absl::InfiniteDuration(), options.calls,
                          [&] { return store.ListOpenRuns("agents/warehouse", now + absl::Hours(24)).status(); }));
  RETURN_IF_ERROR(Measure(options, "runs an agent said nothing of", absl::Milliseconds(20), options.calls,
                          [&] { return store.ListUnstartedRuns("agents/db-00123", now).status(); }));
  RETURN_IF_ERROR(MeasureTurns(store, now, options));
  RETURN_IF_ERROR(MeasureRetention(store, fleet, options));
  RETURN_IF_ERROR(MeasureCompaction(store, now, options));
  return MeasureDueRuns(store, now, options);
}

}  // namespace backup::bench
