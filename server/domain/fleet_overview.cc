// SPDX-License-Identifier: Apache-2.0
#include "server/domain/fleet_overview.h"

#include <iterator>

#include "base/proto_json.h"
#include "server/domain/agent_state.h"
#include "server/domain/fleet_health.h"

namespace backup::server {
namespace {

FleetOverview CountTold(const v1::FleetStatus& status) {
  FleetOverview told;
  for (const v1::DatabaseStatus& database : status.databases()) ++told.databases[database.health()];
  for (const v1::Agent& agent : status.agents()) ++told.agents[agent.state()];
  return told;
}

}  // namespace

void FleetOverviewBuilder::AddDatabases(const v1::FleetStatus& part) {
  for (const v1::DatabaseStatus& database : part.databases()) {
    ++overview_.databases[database.health()];
    if (database.health() == v1::OK) continue;
    worst_.emplace(-Severity(database.health()), database.database().name());
    if (worst_.size() > most_worst_) worst_.erase(std::prev(worst_.end()));
  }
}

void FleetOverviewBuilder::AddAgents(absl::Span<const v1::Agent> agents, absl::Time now) {
  for (const v1::Agent& agent : agents) ++overview_.agents[JudgeAgent(agent, now)];
}

FleetOverview FleetOverviewBuilder::Finish(absl::Time now) const {
  FleetOverview overview = overview_;
  overview.time = now;
  for (const auto& [severity, name] : worst_) overview.worst.push_back(name);
  return overview;
}

void CountFleet(const FleetOverview* overview, v1::FleetStatus& status) {
  const bool all_databases = status.databases_size() >= status.database_count();
  const bool all_agents = status.agents_size() >= status.agent_count();
  if (!all_databases && overview == nullptr) {
    status.add_problems(
        "the controller has just started and has not looked at the whole fleet yet: worse databases than these may "
        "follow in a few seconds");
  }
  const FleetOverview known = overview == nullptr ? FleetOverview() : *overview;
  FleetOverview counted = CountTold(status);
  if (!all_databases) counted.databases = known.databases;
  if (!all_agents) counted.agents = known.agents;
  if (!(all_databases && all_agents) && overview != nullptr) *status.mutable_survey_time() = ToProto(overview->time);
  for (const v1::Health health : {v1::CRITICAL, v1::UNCOVERED, v1::WARNING, v1::OK}) {
    const auto found = counted.databases.find(health);
    if (found == counted.databases.end()) continue;
    v1::HealthCount& count = *status.add_health_counts();
    count.set_health(health);
    count.set_database_count(found->second);
  }
  for (const v1::AgentState state : {v1::OFFLINE, v1::ENROLLED, v1::ONLINE}) {
    const auto found = counted.agents.find(state);
    if (found == counted.agents.end()) continue;
    v1::AgentStateCount& count = *status.add_agent_state_counts();
    count.set_state(state);
    count.set_agent_count(found->second);
  }
}

}  // namespace backup::server
