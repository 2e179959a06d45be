// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "backup/v1/agent.pb.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/random.h"
#include "server/domain/run_advance.h"
#include "server/loops/change_feed.h"
#include "server/loops/planner_pass.h"
#include "server/store/store.h"

namespace backup::server {

struct SchedulerOptions {
  // Policies are looked at this often: those that are new or changed are planned. Default: 1 min.
  absl::Duration replan_interval = absl::Minutes(1);
  // The longest wait between two turns: runs are asked for and leases given meanwhile, by others. Default: 5 s.
  absl::Duration max_wait = absl::Seconds(5);
  // A turn that has worked this long leaves the rest to the next, which comes at once. Default: 100 ms.
  absl::Duration budget = absl::Milliseconds(100);
  // First and greatest wait after the catalog failed. Default: 1 s, 30 s.
  absl::Duration min_backoff = absl::Seconds(1);
  absl::Duration max_backoff = absl::Seconds(30);
  // Runs that may work at once in the whole fleet; 0: no limit. Default: 0.
  int64_t max_running_runs = 0;
};

// Keeps the catalog's runs in step with time: plans every policy's rows ahead, moves due runs on, and gives places to
// those that wait for one. Tells the
// ChangeFeed of each run and agent that it changed. All state is in the catalog: a turn that fails is made up for by
// the next.
class Scheduler {
 public:
  // Borrows all four.
  Scheduler(Store& store, Clock& clock, Random& random, ChangeFeed& feed, SchedulerOptions options = {});

  // One turn, the body of a base::Loop: plans when that is due or was requested, then advances runs, then returns how
  // long nothing is due. When the catalog fails, the log says so once a minute and the wait grows; one run or policy
  // that fails holds up no other. Called by one thread at a time.
  absl::Duration RunOnce();

  // The next turn plans all policies. Thread-safe. For the turn to come at once, trigger the loop as well.
  void RequestReplan();
  // The same for the policies that are new or were changed.
  void RequestPlan();

 private:
  absl::StatusOr<absl::Duration> Turn();
  bool TakePlanIsDue();
  // What is due, or a part of it; then a next turn at once is to go on.
  absl::Status PlanDue(absl::Duration deadline);
  absl::Status AdvanceAll(absl::Duration deadline);
  absl::Status AdvanceOne(const std::string& name, const AdvanceContext& context);
  absl::Status GiveFreePlaces();
  // Free slots of the agent that is to run it; 0 when it is not there, or was not heard of since it got places last.
  absl::StatusOr<int64_t> FreeSlots(const std::string& agent_name, absl::Time now);
  absl::StatusOr<std::optional<v1::Agent>> FindAgent(const std::string& name);
  void LogFailure(absl::string_view what, const std::string& subject, const absl::Status& status);

  Store& store_;
  Clock& clock_;
  Random& random_;
  ChangeFeed& feed_;
  const SchedulerOptions options_;

  // Used by the turn alone.
  PlannerPass planner_;
  absl::Duration next_plan_;                                 // Monotonic.
  absl::Duration last_planned_ = -absl::InfiniteDuration();  // Monotonic.
  absl::Time last_planned_wall_time_ = absl::InfinitePast();
  bool catching_up_ = false;        // After an outage: no run is moved on before all is planned.
  bool goes_on_ = false;            // This turn has left something to the next.
  std::set<std::string> advanced_;  // Runs looked at, in this turn and those that it goes on from.
  int failed_turn_count_ = 0;
  // When the last good turn ended, monotonic; and since when there was no break between turns.
  absl::Duration last_turn_ = -absl::InfiniteDuration();
  absl::Time up_since_;
  std::map<std::string, absl::Time> places_given_;          // When an agent got places last.
  std::map<std::string, std::optional<v1::Agent>> agents_;  // Of this turn.
  LogLimiter failure_log_;

  Mutex mu_;
  bool replan_requested_ ABSL_GUARDED_BY(mu_) = true;
  bool plan_requested_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace backup::server
