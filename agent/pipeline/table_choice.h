// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/pipeline/dump_statements.h"
#include "agent/pipeline/sql_name.h"
#include "backup/v1/manifest.pb.h"

namespace backup::agent {

// The tables whose rows a restore loads. Everything else of the schema is made whatever is chosen, so that types,
// functions and defaults that a table needs are there. Immutable.
class TableChoice {
 public:
  // All of them.
  TableChoice() = default;
  // `tables` as "schema.table", as the manifest has them; `schemas` stand for all their tables. Both empty: all.
  // NOT_FOUND TABLE_NOT_FOUND for a name that chooses nothing.
  static absl::StatusOr<TableChoice> Of(const v1::Manifest& manifest, const std::vector<std::string>& tables,
                                        const std::vector<std::string>& schemas);

  bool is_everything() const { return chosen_.empty(); }
  // Whether table `number` of the manifest is among them.
  bool Has(size_t number) const { return chosen_.empty() || chosen_[number]; }
  // The same by its name in the dump; a table that has no rows in it is not among them.
  bool Has(const v1::Manifest& manifest, const QualifiedName& name) const;

  // Whether a statement after the data would fail or deceive without the rows that are not loaded: a foreign key of a
  // chosen table to one that is not, a materialized view's contents.
  bool LeavesOut(const v1::Manifest& manifest, const DumpStatement& statement) const;

 private:
  std::vector<bool> chosen_;  // By the table's number; empty: all.
};

}  // namespace backup::agent
