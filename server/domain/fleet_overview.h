// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "backup/v1/agent.pb.h"
#include "backup/v1/fleet_service.pb.h"

namespace backup::server {

// How the whole of a fleet fares that is too large to be told database by database.
struct FleetOverview {
  absl::Time time;  // When the look at it was over.
  std::map<v1::Health, int64_t> databases;
  std::map<v1::AgentState, int64_t> agents;
  // Names of databases that are not OK, the worst first, those alike by name.
  std::vector<std::string> worst;
};

// Gathers an overview from its parts.
class FleetOverviewBuilder {
 public:
  // Of the databases that are not OK, the `most_worst` worst are named.
  explicit FleetOverviewBuilder(size_t most_worst) : most_worst_(most_worst) {}

  // Databases that JudgeFleet has judged; its agents do not count.
  void AddDatabases(const v1::FleetStatus& part);
  void AddAgents(absl::Span<const v1::Agent> agents, absl::Time now);
  FleetOverview Finish(absl::Time now) const;

 private:
  const size_t most_worst_;
  FleetOverview overview_;
  std::set<std::pair<int, std::string>> worst_;  // By -Severity.
};

// Fills in health_counts, agent_state_counts and survey_time of a status that JudgeFleet has judged: of what it tells
// all of from itself, of the other from `overview`, without which they stay empty; when it is the databases, `problems`
// says so.
void CountFleet(const FleetOverview* overview, v1::FleetStatus& status);

}  // namespace backup::server
