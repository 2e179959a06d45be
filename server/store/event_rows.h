// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pqxx/pqxx>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "backup/v1/event.pb.h"

namespace backup::server {

// Events as rows of table events; all in columns.

// What DecodeEvent reads, for a SELECT list.
extern const char kEventColumns[];
// CATALOG_ROW_INVALID.
absl::StatusOr<v1::Event> DecodeEvent(const pqxx::row& row);
// Appends in this order; the names are the catalog's.
void InsertEvents(pqxx::transaction_base& transaction, absl::Span<const v1::Event> events);

}  // namespace backup::server
