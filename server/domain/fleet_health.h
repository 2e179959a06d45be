// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "backup/v1/agent.pb.h"
#include "backup/v1/fleet_service.pb.h"
#include "backup/v1/policy.pb.h"

namespace backup::server {

// Fills in database.policies, health and reason of one database. `policies` are all there are; `agent` the one that
// owns it, if known. See Health in fleet_service.proto; CRITICAL is also a newest good backup older than the first slot
// after it that has run out of its jitter, start deadline and timeout.
void JudgeDatabase(v1::DatabaseStatus& status, absl::Span<const v1::Policy> policies,
                   const std::optional<v1::Agent>& agent, absl::Time now);

// Greater is worse. A database nobody backs up may be so by intent, and still should be seen before those that fare
// well.
int Severity(v1::Health health);

// Judges every agent and database of what Store::ReadFleetStatus gave, and puts the worst first.
void JudgeFleet(v1::FleetStatus& status, absl::Span<const v1::Policy> policies, absl::Time now);

}  // namespace backup::server
