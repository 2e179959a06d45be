// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pqxx/pqxx>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "backup/v1/run.pb.h"
#include "server/store/sql_params.h"

namespace backup::server {

// Runs as rows of table runs. The columns are the truth for what they hold; `data` has the rest.

// What DecodeRun reads, for a SELECT list.
extern const char kRunColumns[];
// CATALOG_ROW_INVALID.
absl::StatusOr<v1::Run> DecodeRun(const pqxx::row& row);
// The same for many rows, of which most hold the same `data`, as those that were planned together do: a fraction of the
// time. Rows that cannot be read are logged and left out.
std::vector<v1::Run> DecodeAlikeRuns(const pqxx::result& rows);

// Inserts in this order, so that sequences follow it; passes over those whose name or slot is there. The runs are
// complete (CompleteNewRun) and checked. Returns how many went in.
int64_t InsertRuns(pqxx::transaction_base& transaction, absl::Span<const v1::Run> runs);
// Writes what may change of the rows of these sequences.
void UpdateRuns(pqxx::transaction_base& transaction, absl::Span<const v1::Run> runs);

}  // namespace backup::server
