// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "backup/v1/agent.pb.h"
#include "backup/v1/backup.pb.h"
#include "backup/v1/policy.pb.h"
#include "backup/v1/run.pb.h"
#include "server/store/store.h"

namespace backup::server {

// Whole lists, for answers that join one with another. People write policies, so there are few; agents are cut.

// Every policy, by id.
absl::StatusOr<std::vector<v1::Policy>> ReadAllPolicies(Store& store);
// The first `limit` agents, by id.
absl::StatusOr<std::vector<v1::Agent>> ReadAgents(Store& store, size_t limit);

// All backups, or runs, of one database, the newest first; without manifests.
absl::StatusOr<std::vector<v1::Backup>> ReadAllBackups(Store& store, const v1::BackupFilter& of_database);
absl::StatusOr<std::vector<v1::Run>> ReadAllRuns(Store& store, const v1::RunFilter& of_database);

}  // namespace backup::server
