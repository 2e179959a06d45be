// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "absl/status/statusor.h"
#include "agent/pipeline/job.h"
#include "agent/pipeline/table_choice.h"
#include "backup/v1/manifest.pb.h"
#include "base/cancellation.h"
#include "base/clock.h"

namespace backup::agent {

// A stored dump that was found fit to be restored, and what of it is wanted.
struct RestoreSource {
  v1::Manifest manifest;
  TableChoice choice;
  std::optional<v1::DatabaseProperties> properties;  // As LoadDatabaseProperties gives them.
  // Of the chosen tables.
  int table_count = 0;
  int64_t row_count = 0;
  int64_t plain_bytes = 0;
};

// How much of an artifact is looked at before it is restored.
enum class SourceCheck {
  kEverything,   // It is decoded and held against its manifest; of a choice, these tables and the text between all.
  kStoredBytes,  // Every byte is the one that was stored; of a choice of tables, only what tells of the rest.
};

// Reads the artifact of `request`. Of a choice of tables no more than has to be, if it has an index. CORRUPT;
// NOT_FOUND TABLE_NOT_FOUND.
absl::StatusOr<RestoreSource> OpenRestoreSource(const RestoreRequest& request, SourceCheck check, Clock& clock,
                                                JobObserver& observer, Cancellation& cancellation);

}  // namespace backup::agent
