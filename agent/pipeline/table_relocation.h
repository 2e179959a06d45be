// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "agent/pipeline/dump_statements.h"
#include "agent/pipeline/table_choice.h"
#include "backup/v1/manifest.pb.h"

namespace backup::agent {

// Names that tables have in common by their last part cannot be in one schema: RESTORE_REFUSED naming the first.
absl::Status CheckNamesAreUnique(const v1::Manifest& manifest, const TableChoice& choice);

// What becomes of a statement when the chosen tables are restored into a schema of their own, beside everything that a
// database holds already.
enum class Relocation {
  kMoved,     // It makes a chosen table, its rows, an index or a constraint within it: now in the schema.
  kLeftOut,   // A constraint of a chosen table that is not made: a foreign key, a check that is not validated.
  kNotMeant,  // It is about something else.
};

// Puts `statement` into the schema `schema` (unquoted) if it is one of those that a chosen table consists of. Settings
// stay, except the tablespace. Never lets a statement through that could change anything outside of the schema: what is
// not known is kNotMeant. RESTORE_REFUSED for a table that inherits from another: in the schema it would be a child of
// the table that is there. Pure.
absl::StatusOr<Relocation> RelocateStatement(const v1::Manifest& manifest, const TableChoice& choice,
                                             absl::string_view schema, DumpStatement* statement);

}  // namespace backup::agent
