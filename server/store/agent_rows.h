// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <pqxx/pqxx>

#include "absl/status/statusor.h"
#include "backup/v1/agent.pb.h"

namespace backup::server {

// Agents and databases as rows.

// What DecodeAgent reads, for a SELECT list.
extern const char kAgentColumns[];
// CATALOG_ROW_INVALID.
absl::StatusOr<v1::Agent> DecodeAgent(const pqxx::row& row);
// Inserts, or replaces by name. `report_sequence` is that of the last report of its boot.
void PutAgent(pqxx::transaction_base& transaction, const v1::Agent& agent, int64_t report_sequence);

// A statement's beginning that DecodeDatabase reads: databases `d` that are not gone, with the newest good backup and
// the next slot; goes on with " WHERE ..." or " ORDER BY ...".
extern const char kSelectDatabases[];
// CATALOG_ROW_INVALID.
absl::StatusOr<v1::Database> DecodeDatabase(const pqxx::row& row);
// Inserts, or replaces by name; it is present then.
void PutDatabase(pqxx::transaction_base& transaction, const v1::Database& database);

}  // namespace backup::server
