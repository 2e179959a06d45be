// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "agent/pipeline/copy_rows.h"
#include "agent/pipeline/dump_facts.h"
#include "agent/pipeline/hash128.h"
#include "agent/pipeline/sql_lexer.h"
#include "backup/v1/manifest.pb.h"

namespace backup::agent {

// Reads pg_dump's or pg_dumpall's plain format as it passes, in pieces of any size; memory stays constant but for the
// list of tables. Knows data from SQL, so that neither a row nor the body of a function that looks like a COPY
// statement or like the dump's last line is taken for one.
class DumpScanner {
 public:
  enum class Kind { kDatabase, kGlobals };
  explicit DumpScanner(Kind kind) : kind_(kind) {}

  // `member_starts` (may be null) gets the positions within `chunk` at which a table's data begins.
  // INCOMPLETE for text that pg_dump does not write.
  absl::Status Write(absl::string_view chunk, std::vector<size_t>* member_starts = nullptr);

  // INCOMPLETE, saying how it ended, unless all text up to the trailer was there and nothing came after it. Call once.
  absl::StatusOr<DumpFacts> Finish();

  // So far. Rows include those of the table that is passing.
  int64_t plain_bytes() const { return facts_.plain_bytes; }
  int64_t row_count() const { return finished_row_count_ + (in_copy_ ? rows_.row_count() : 0); }
  int32_t tables_done() const { return static_cast<int32_t>(facts_.tables.size()) - (in_copy_ ? 1 : 0); }

 private:
  // What a statement is to us.
  enum class StatementKind { kUnknown, kSchema, kIgnored, kCopy, kSetval, kCreateRole };

  void AddText(absl::string_view text);
  // Decides what the statement is by its first bytes, once there are enough of them.
  void Classify();
  absl::Status EndStatement();
  absl::Status EndCopyStatement();
  void EndSetval();
  void EndComment();
  void EndMetaCommand();

  const Kind kind_;
  SqlLexer lexer_;
  CopyRows rows_;
  Hasher128 statement_hash_;  // Of a statement of the schema.
  uint64_t setting_ = 0;      // What the statement sets, when it is a SET.
  DumpFacts facts_;
  int64_t finished_row_count_ = 0;

  StatementKind statement_kind_ = StatementKind::kUnknown;
  std::string statement_;  // Its text, as far as it matters for its kind.
  bool standard_conforming_strings_ = true;
  bool statement_too_long_ = false;
  bool copy_begins_ = false;  // A COPY statement has ended; its data begins after the line end.
  bool in_copy_ = false;
  bool trailer_seen_ = false;
  char last_byte_ = 0;
  std::string restrict_key_;  // Of the open `\restrict`; "" when none is open.
};

}  // namespace backup::agent
