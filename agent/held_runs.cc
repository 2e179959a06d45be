// SPDX-License-Identifier: Apache-2.0
#include "agent/held_runs.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "base/proto_json.h"
#include "base/units.h"

namespace backup::agent {
namespace {

absl::Time NotBefore(const v1::DesiredRun& run) {
  return run.has_not_before_time() ? ToAbsl(run.not_before_time()) : absl::InfinitePast();
}

// What was asked for by hand is due now, though the controller's clock be ahead of ours; unless it was put off.
bool IsDueAtOnce(const v1::DesiredRun& run) {
  return run.manual() && run.has_slot_time() && ToAbsl(run.slot_time()) == NotBefore(run);
}

absl::Time StartDeadline(const v1::DesiredRun& run) {
  return run.has_start_deadline_time() ? ToAbsl(run.start_deadline_time()) : absl::InfiniteFuture();
}

const ActiveAttempt* FindRun(const std::vector<ActiveAttempt>& active, const v1::DesiredRun& run) {
  auto it = std::find_if(active.begin(), active.end(), [&](const ActiveAttempt& a) { return a.run == run.run(); });
  return it == active.end() ? nullptr : &*it;
}

const ActiveAttempt* FindDatabase(const std::vector<ActiveAttempt>& active, const v1::DesiredRun& run) {
  auto it =
      std::find_if(active.begin(), active.end(), [&](const ActiveAttempt& a) { return a.database == run.database(); });
  return it == active.end() ? nullptr : &*it;
}

bool IsOfSchedule(const v1::DesiredRun& run) { return !run.manual() && !run.policy().empty(); }

bool Overlaps(const v1::DesiredRun& run, const ActiveAttempt& working) {
  return IsOfSchedule(run) && working.policy == run.policy() && working.kind == run.kind();
}

// The end of the span in which the run may not start now; nothing when it may.
std::optional<absl::Time> ExcludedUntil(const v1::DesiredRun& run, absl::Time now) {
  for (const v1::TimeSpan& span : run.spec().not_during()) {
    if (ToAbsl(span.start_time()) <= now && now < ToAbsl(span.end_time())) {
      return ToAbsl(span.end_time());
    }
  }
  return std::nullopt;
}

std::string SlotText(const v1::DesiredRun& run) { return FormatRfc3339(ToAbsl(run.slot_time())); }

// The newest of the due runs that can still start, for each policy, database and kind.
using Newest = std::map<std::tuple<std::string, std::string, v1::RunKind>, const v1::DesiredRun*>;

std::tuple<std::string, std::string, v1::RunKind> ScheduleOf(const v1::DesiredRun& run) {
  return {run.policy(), run.database(), run.kind()};
}

Newest FindNewest(const std::vector<const v1::DesiredRun*>& due, absl::Time now) {
  Newest newest;
  for (const v1::DesiredRun* run : due) {
    if (!IsOfSchedule(*run) || StartDeadline(*run) <= now) {
      continue;
    }
    const v1::DesiredRun*& best = newest[ScheduleOf(*run)];
    if (best == nullptr || ToAbsl(best->slot_time()) < ToAbsl(run->slot_time())) {
      best = run;
    }
  }
  return newest;
}

HeldRunsPlan::NotStarted Missed(const v1::DesiredRun& run, const std::vector<ActiveAttempt>& active,
                                const HeldRunLimits& limits) {
  const absl::Time deadline = StartDeadline(run);
  const std::string until = absl::StrCat("until its start deadline ", FormatRfc3339(deadline));
  if (limits.agent_start_time >= deadline) {
    return {
        run, v1::MISSED, v1::AGENT_OFFLINE,
        absl::StrCat("the agent was not running ", until, "; it started at ", FormatRfc3339(limits.agent_start_time))};
  }
  if (const ActiveAttempt* busy = FindDatabase(active, run); busy != nullptr) {
    if (Overlaps(run, *busy)) {
      return {run, v1::SKIPPED, v1::OVERLAP, absl::StrCat(busy->run, " of the same policy still worked ", until)};
    }
    return {run, v1::MISSED, v1::NO_FREE_SLOT, absl::StrCat("the database was busy with ", busy->run, " ", until)};
  }
  if (static_cast<int>(active.size()) >= limits.max_runs) {
    return {run, v1::MISSED, v1::NO_FREE_SLOT,
            absl::StrCat("no slot was free ", until, "; the agent works on ", limits.max_runs, " at once")};
  }
  return {run, v1::MISSED, v1::START_DEADLINE_PASSED,
          absl::StrCat("the agent could not act ", until,
                       "; it learned of the run too late, was suspended, or its clock was set")};
}

// A run that gives way to the slot of `newest`.
HeldRunsPlan::NotStarted Overtaken(const v1::DesiredRun& run, const v1::DesiredRun& newest, const ActiveAttempt* busy) {
  if (busy != nullptr && Overlaps(run, *busy)) {
    return {run, v1::SKIPPED, v1::OVERLAP,
            absl::StrCat(busy->run, " of the same policy still worked; the slot of ", SlotText(newest),
                         " waits in its place")};
  }
  return {run, v1::MISSED, v1::SUPERSEDED,
          absl::StrCat("it did not start before the next one was due; the slot of ", SlotText(newest),
                       " stands in for it")};
}

}  // namespace

HeldRunsPlan PlanHeldRuns(const std::vector<v1::DesiredRun>& held, const std::vector<ActiveAttempt>& active,
                          const HeldRunLimits& limits, absl::Time now) {
  HeldRunsPlan plan;
  std::vector<const v1::DesiredRun*> due;
  for (const v1::DesiredRun& run : held) {
    if (IsDueAtOnce(run) || NotBefore(run) <= now || StartDeadline(run) <= now) {
      due.push_back(&run);
    } else {
      plan.next_time = std::min(plan.next_time, NotBefore(run));
    }
  }
  std::sort(due.begin(), due.end(), [](const v1::DesiredRun* a, const v1::DesiredRun* b) {
    return std::make_tuple(a->kind() == v1::DELETE, !a->manual(), NotBefore(*a), a->run()) <
           std::make_tuple(b->kind() == v1::DELETE, !b->manual(), NotBefore(*b), b->run());
  });

  const Newest newest = FindNewest(due, now);
  std::vector<ActiveAttempt> working = active;
  for (const v1::DesiredRun* run : due) {
    if (FindRun(working, *run) != nullptr) {
      continue;
    }
    if (StartDeadline(*run) <= now) {
      plan.not_started.push_back(Missed(*run, active, limits));
      continue;
    }
    const ActiveAttempt* busy = FindDatabase(working, *run);
    const bool overlaps = busy != nullptr && Overlaps(*run, *busy);
    if (overlaps && run->spec().overlap() != v1::QUEUE_ONE) {
      plan.not_started.push_back(
          {*run, v1::SKIPPED, v1::OVERLAP, absl::StrCat(busy->run, " of the same policy still worked")});
      continue;
    }
    if (const auto best = newest.find(ScheduleOf(*run)); IsOfSchedule(*run) && best->second != run) {
      plan.not_started.push_back(Overtaken(*run, *best->second, busy));
      continue;
    }
    if (const std::optional<absl::Time> until = ExcludedUntil(*run, now)) {
      plan.next_time = std::min({plan.next_time, *until, StartDeadline(*run)});
      continue;
    }
    if (busy != nullptr || static_cast<int>(working.size()) >= limits.max_runs) {
      plan.next_time = std::min(plan.next_time, StartDeadline(*run));
      continue;
    }
    plan.start.push_back(*run);
    working.push_back({run->run(), run->database(), run->policy(), run->kind()});
  }
  return plan;
}

}  // namespace backup::agent
