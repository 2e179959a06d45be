// SPDX-License-Identifier: Apache-2.0
#include "agent/held_runs.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "base/proto_json.h"
#include "base/units.h"

namespace backup::agent {
namespace {

absl::Time NotBefore(const v1::DesiredRun& run) {
  return run.has_not_before_time() ? ToAbsl(run.not_before_time()) : absl::InfinitePast();
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

bool Overlaps(const v1::DesiredRun& run, const ActiveAttempt& working) {
  return !run.manual() && !run.policy().empty() && working.policy == run.policy();
}

std::string MissedReason(const v1::DesiredRun& run, const std::vector<ActiveAttempt>& active,
                         const HeldRunLimits& limits) {
  const absl::Time deadline = StartDeadline(run);
  const std::string until = absl::StrCat("until its start deadline ", FormatRfc3339(deadline));
  if (limits.agent_start_time >= deadline) {
    return absl::StrCat("the agent was not running ", until, "; it started at ",
                        FormatRfc3339(limits.agent_start_time));
  }
  if (const ActiveAttempt* busy = FindDatabase(active, run); busy != nullptr) {
    return absl::StrCat("the database was busy with ", busy->run, " ", until);
  }
  if (static_cast<int>(active.size()) >= limits.max_runs) {
    return absl::StrCat("no slot was free ", until, "; the agent works on ", limits.max_runs, " at once");
  }
  return absl::StrCat("the agent could not act ", until,
                      "; it learned of the run too late, was suspended, or its clock was set");
}

}  // namespace

HeldRunsPlan PlanHeldRuns(const std::vector<v1::DesiredRun>& held, const std::vector<ActiveAttempt>& active,
                          const HeldRunLimits& limits, absl::Time now) {
  HeldRunsPlan plan;
  std::vector<const v1::DesiredRun*> due;
  for (const v1::DesiredRun& run : held) {
    if (NotBefore(run) <= now || StartDeadline(run) <= now) {
      due.push_back(&run);
    } else {
      plan.next_time = std::min(plan.next_time, NotBefore(run));
    }
  }
  std::sort(due.begin(), due.end(), [](const v1::DesiredRun* a, const v1::DesiredRun* b) {
    return std::make_tuple(!a->manual(), NotBefore(*a), a->run()) <
           std::make_tuple(!b->manual(), NotBefore(*b), b->run());
  });

  std::vector<ActiveAttempt> working = active;
  for (const v1::DesiredRun* run : due) {
    if (FindRun(working, *run) != nullptr) {
      continue;
    }
    if (StartDeadline(*run) <= now) {
      plan.not_started.push_back({*run, v1::MISSED, MissedReason(*run, active, limits)});
      continue;
    }
    const ActiveAttempt* busy = FindDatabase(working, *run);
    if (busy != nullptr && Overlaps(*run, *busy)) {
      plan.not_started.push_back({*run, v1::SKIPPED, absl::StrCat(busy->run, " of the same policy still worked")});
      continue;
    }
    if (busy != nullptr || static_cast<int>(working.size()) >= limits.max_runs) {
      plan.next_time = std::min(plan.next_time, StartDeadline(*run));
      continue;
    }
    plan.start.push_back(*run);
    working.push_back({run->run(), run->database(), run->policy()});
  }
  return plan;
}

}  // namespace backup::agent
