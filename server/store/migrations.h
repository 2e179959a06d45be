// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace backup::server {

// The schema of the catalog, built by numbered steps (server/store/migrations/NNNN_*.sql). A step that was released is
// never changed; the next one mends it.

// One step: takes a catalog from version - 1 to version.
struct Migration {
  int version;  // From 1 on, without gaps.
  absl::string_view name;
  absl::string_view sql;  // Statements; run with search_path on our schema.
};
// All steps of this program, in order.
absl::Span<const Migration> AllMigrations();
// Version of the schema that this program works with: the last step's.
int ProgramSchemaVersion();

// Brings the catalog at `url` to this program's version; makes the schema when there is none. Each step is one
// transaction under a lock, so that a crash leaves a whole version, and programs that start at once do not collide.
// Idempotent. FAILED_PRECONDITION CATALOG_TOO_NEW when the catalog is ahead of this program; metadata
// "catalog_version", "program_version". CATALOG_UNAVAILABLE.
absl::Status ApplyMigrations(const std::string& url);
// The same with other steps, for tests.
absl::Status ApplyMigrations(const std::string& url, absl::Span<const Migration> migrations);

// The catalog's version; 0 when it has no schema.
absl::StatusOr<int> SchemaVersion(const std::string& url);

}  // namespace backup::server
