// SPDX-License-Identifier: Apache-2.0
#include "server/domain/fleet_health.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/proto_json.h"
#include "base/resource_name.h"
#include "base/units.h"
#include "server/domain/agent_state.h"
#include "server/domain/run_state.h"
#include "server/domain/schedule.h"
#include "server/domain/selector.h"

namespace backup::server {
namespace {

using Verdict = std::pair<v1::Health, std::string>;
Verdict Fine() { return {v1::OK, ""}; }

std::string FailureText(const v1::Run& run) {
  const std::string state = v1::RunState_Name(run.state());
  if (run.has_failure()) {
    return absl::StrCat("the last run is ", state, " (", v1::FailureCause_Name(run.failure().cause()),
                        "): ", run.failure().message());
  }
  return absl::StrCat("the last run is ", state, run.state_reason().empty() ? "" : ": ", run.state_reason());
}

bool IsFailure(v1::RunState state) {
  return state == v1::FAILED || state == v1::LOST || state == v1::MISSED || state == v1::CANCELLED;
}

// When a slot of this policy has run out of every time that it was given.
absl::Time LatestEnd(const v1::PolicySpec& spec, absl::Time slot) {
  return slot + ToAbsl(spec.schedule().start_deadline()) + ToAbsl(spec.dump().timeout());
}

// The covering policies' word on the age of the newest good backup.
Verdict JudgeAge(absl::Time last_good, const std::vector<const v1::Policy*>& covering, absl::Time now) {
  for (const v1::Policy* policy : covering) {
    if (policy->spec().schedule().paused()) {
      continue;
    }
    const absl::StatusOr<Schedule> schedule = Schedule::Create(policy->spec().schedule());
    if (!schedule.ok()) {
      return {v1::WARNING, absl::StrCat(policy->name(), " has a schedule that cannot be read: ",
                                        std::string(schedule.status().message()))};
    }
    // Slots from before there was the policy were never promised.
    const absl::Time slot = schedule->NextSlot(std::max(last_good, ToAbsl(policy->create_time())));
    if (slot != absl::InfiniteFuture() && LatestEnd(policy->spec(), slot) < now) {
      return {v1::CRITICAL,
              absl::StrCat("the newest good backup is from ", FormatRelative(last_good, now), "; the slot of ",
                           FormatRfc3339(slot), " under ", policy->name(), " brought none")};
    }
  }
  return Fine();
}

Verdict JudgeWithoutBackup(const v1::DatabaseStatus& status) {
  if (!status.has_last_run() || IsOpen(status.last_run().state())) {
    return {v1::WARNING, "there is no backup yet"};
  }
  const v1::Run& run = status.last_run();
  if (IsFailure(run.state())) {
    return {v1::CRITICAL, absl::StrCat("there is no good backup; ", FailureText(run))};
  }
  return {v1::CRITICAL, "there is no good backup"};
}

Verdict JudgeLastRun(const v1::DatabaseStatus& status) {
  const v1::Run& run = status.last_run();
  if (!status.has_last_run()) {
    return Fine();
  }
  // The newest slot need not be the last to end: one by hand may have been asked for while another was still waiting.
  const bool made_good_since =
      run.has_end_time() && ToAbsl(status.last_good().snapshot_time()) > ToAbsl(run.end_time());
  if (IsFailure(run.state()) && !made_good_since) {
    return {v1::WARNING, FailureText(run)};
  }
  // Names begin with the time at which the agent started, so that they sort by age.
  if (run.state() == v1::SUCCEEDED && run.kind() == v1::BACKUP && run.backup() > status.last_good().name()) {
    return {v1::WARNING, absl::StrCat("the newest backup, ", run.backup(), ", is not good")};
  }
  return Fine();
}

Verdict JudgeAgentOf(const v1::DatabaseStatus& status, const std::optional<v1::Agent>& agent, absl::Time now) {
  if (agent.has_value() && JudgeAgent(*agent, now) == v1::OFFLINE) {
    return {v1::WARNING,
            absl::StrCat(agent->name(), " was last heard of ", FormatRelative(ToAbsl(agent->last_seen_time()), now))};
  }
  if (!status.database().problem().empty()) {
    return {v1::WARNING, status.database().problem()};
  }
  if (agent.has_value() && !agent->repository().problem().empty()) {
    return {v1::WARNING, absl::StrCat("the repository: ", agent->repository().problem())};
  }
  return Fine();
}

std::string BackupsText(int64_t count, absl::string_view one, absl::string_view several) {
  return absl::StrCat(count, " ", count == 1 ? one : several);
}

// What is wrong with its backups though the newest good one is young enough.
Verdict JudgeBackups(const v1::DatabaseStatus& status) {
  std::vector<std::string> findings;
  if (status.bad_backup_count() > 0) {
    findings.push_back(
        absl::StrCat(BackupsText(status.bad_backup_count(), "backup is BAD: ", "backups are BAD, the newest: "),
                     status.newest_bad_backup()));
  }
  if (status.undeleted_backup_count() > 0) {
    findings.push_back(absl::StrCat(BackupsText(status.undeleted_backup_count(), "backup", "backups"),
                                    " could not be deleted: see ", status.failed_delete_run()));
  }
  if (!status.retention_frozen().empty()) {
    findings.push_back(absl::StrCat("retention is frozen: ", absl::StrJoin(status.retention_frozen(), "; ")));
  }
  return findings.empty() ? Fine() : Verdict(v1::WARNING, absl::StrJoin(findings, "; "));
}

Verdict Judge(const v1::DatabaseStatus& status, const std::vector<const v1::Policy*>& covering,
              const std::optional<v1::Agent>& agent, absl::Time now) {
  if (covering.empty()) {
    return {v1::UNCOVERED, "no policy covers it"};
  }
  if (!status.has_last_good()) {
    return JudgeWithoutBackup(status);
  }
  const Verdict verdicts[] = {
      JudgeAge(ToAbsl(status.last_good().snapshot_time()), covering, now),
      JudgeLastRun(status),
      JudgeAgentOf(status, agent, now),
      JudgeBackups(status),
  };
  for (const Verdict& verdict : verdicts) {
    if (verdict.first != v1::OK) {
      return verdict;
    }
  }
  if (std::all_of(covering.begin(), covering.end(),
                  [](const v1::Policy* policy) { return policy->spec().schedule().paused(); })) {
    return {v1::WARNING, absl::StrCat(covering[0]->name(), " is paused")};
  }
  return Fine();
}

}  // namespace

void JudgeDatabase(v1::DatabaseStatus& status, absl::Span<const v1::Policy> policies,
                   const std::optional<v1::Agent>& agent, absl::Time now) {
  std::vector<const v1::Policy*> covering;
  status.mutable_database()->clear_policies();
  for (const v1::Policy& policy : policies) {
    if (Covers(policy.spec(), status.database())) {
      covering.push_back(&policy);
      status.mutable_database()->add_policies(policy.name());
    }
  }
  Verdict verdict = Judge(status, covering, agent, now);
  status.set_health(verdict.first);
  status.set_reason(std::move(verdict.second));
}

int Severity(v1::Health health) {
  switch (health) {
    case v1::CRITICAL:
      return 3;
    case v1::UNCOVERED:
      return 2;
    case v1::WARNING:
      return 1;
    default:
      return 0;
  }
}

void JudgeFleet(v1::FleetStatus& status, absl::Span<const v1::Policy> policies, absl::Time now) {
  std::map<std::string, v1::Agent> agents;
  for (v1::Agent& agent : *status.mutable_agents()) {
    agent.set_state(JudgeAgent(agent, now));
    agents[agent.name()] = agent;
  }
  for (v1::DatabaseStatus& database : *status.mutable_databases()) {
    std::optional<v1::Agent> owner;
    if (const absl::StatusOr<DatabaseId> id = ParseDatabaseName(database.database().name()); id.ok()) {
      if (const auto found = agents.find(MakeAgentName(id->agent)); found != agents.end()) {
        owner = found->second;
      }
    }
    JudgeDatabase(database, policies, owner, now);
  }
  std::stable_sort(status.mutable_databases()->begin(), status.mutable_databases()->end(),
                   [](const v1::DatabaseStatus& a, const v1::DatabaseStatus& b) {
                     const int left = Severity(a.health());
                     const int right = Severity(b.health());
                     return left != right ? left > right : a.database().name() < b.database().name();
                   });
}

}  // namespace backup::server
