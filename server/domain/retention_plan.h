// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "backup/v1/agent.pb.h"
#include "backup/v1/retention.pb.h"
#include "server/domain/changes.h"

namespace backup::server {

// What retention would do at `now` with the backups of a database, all decisions in one page, the newest backup first.
// Each policy decides about those that were made under it; those of none stay. Backups that are DELETING are not in it.
// `clock_jumped`: the controller's clock did so lately; that of an agent is held against the controller's. Pure.
v1::RetentionPlan PlanDatabaseRetention(const DatabaseBackupsView& view, bool clock_jumped, absl::Time now);

// FAILED_PRECONDITION AGENT_CANNOT_DELETE unless the agent says that it can. Pure.
absl::Status CheckCanDelete(const std::optional<v1::Agent>& agent);

}  // namespace backup::server
