// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace backup {

// Resource names (AIP-122) as Parse/Make pairs. Parse gives INVALID_ARGUMENT INVALID_RESOURCE_NAME for anything that
// the Make of the same noun cannot have made; both are pure.

// True for 1 to 63 characters of [a-z0-9-] that begin and end with a letter or digit: ids of agents and policies.
bool IsValidId(absl::string_view id);

// Percent-encodes (RFC 3986) every byte but [A-Za-z0-9_.~-]; also a leading '-' or '.', so that the result is never
// empty ("" gives "%"), never "." or "..", hidden or an option. Injective; safe as one path component (a PostgreSQL
// name of 63 bytes gives at most 189) and as one segment of a resource name.
std::string EncodeSegment(absl::string_view raw);
// The inverse. INVALID_ARGUMENT for anything that EncodeSegment cannot have made.
absl::StatusOr<std::string> DecodeSegment(absl::string_view encoded);

// agents/{agent}
std::string MakeAgentName(absl::string_view agent_id);
absl::StatusOr<std::string> ParseAgentName(absl::string_view name);  // The agent's id.

// agents/{agent}/databases/{database}
struct DatabaseId {
  std::string agent;     // Id.
  std::string database;  // Decoded: as the agent's file spells it.
  bool operator==(const DatabaseId&) const = default;
};
std::string MakeDatabaseName(absl::string_view agent_id, absl::string_view database);
absl::StatusOr<DatabaseId> ParseDatabaseName(absl::string_view name);

// policies/{policy}
std::string MakePolicyName(absl::string_view policy_id);
absl::StatusOr<std::string> ParsePolicyName(absl::string_view name);

// runs/{run}; ids as NewId makes them, [0-9a-z]{1,63}.
std::string MakeRunName(absl::string_view run_id);
absl::StatusOr<std::string> ParseRunName(absl::string_view name);

// backups/{backup}; ids as MakeBackupId makes them: `20261123T220000Z-7k3m9q2x4d`.
std::string MakeBackupName(absl::string_view backup_id);
absl::StatusOr<std::string> ParseBackupName(absl::string_view name);
bool IsValidBackupId(absl::string_view id);

// users/{user}
std::string MakeUserName(absl::string_view user_id);

}  // namespace backup
