// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/loop_measures.h"

#include <cstdio>
#include <functional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/status_macros.h"
#include "server/loops/change_feed.h"
#include "server/loops/scheduler.h"
#include "tests/bench/latency.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fake_random.h"

namespace backup::bench {
namespace {

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

}  // namespace

absl::Status PlanAhead(server::Store& store, const BenchFleet& fleet) {
  testing::FakeClock clock(fleet.Now());
  testing::FakeRandom random(Clock::Real().Monotonic() / absl::Nanoseconds(1));
  server::ChangeFeed feed;
  server::Scheduler scheduler(store, clock, random, feed);
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
  RETURN_IF_ERROR(
      Measure(options, "status", kStatusLimit, options.calls, [&] { return store.ReadFleetStatus(now).status(); }));
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
  return absl::OkStatus();
}

}  // namespace backup::bench
