// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "agent/pipeline/sql_lexer.h"
#include "agent/pipeline/sql_name.h"
#include "agent/pipeline/stages.h"

namespace backup::agent {

// What a statement of a dump is to whoever restores it.
enum class RestoreKind {
  kSetting,      // SET, set_config: for every session.
  kCreateTable,  // CREATE TABLE of a plain, unlogged or partitioned table: only in its place.
  kCopy,         // COPY ... FROM stdin: rows follow.
  kData,         // Sequences' values, large objects' contents: no order between them and rows.
  kIndex,        // CREATE INDEX: may run beside others on the same table.
  kTable,        // ALTER TABLE ONLY and what else changes one table and nothing more.
  kForeignKey,   // The same, but it reads a second table.
  kFollower,     // Changes what the statement before it made: COMMENT ON INDEX.
  kOther,        // Only in its place.
};

struct DumpStatement {
  std::string text;  // Without the semicolon.
  RestoreKind kind = RestoreKind::kOther;
  QualifiedName table;       // Of kCreateTable, kCopy, kIndex, kTable and kForeignKey.
  QualifiedName referenced;  // Of kForeignKey.
  size_t table_begin = 0;    // Where the table's name stands in the text, with schema and quotes.
  size_t table_end = 0;
};

// Tells what a statement of pg_dump's is. What it does not know for sure is kOther, which is always right. Pure.
DumpStatement ClassifyStatement(std::string text);

// Cuts the text of a dump, without the rows of its tables, into statements. INCOMPLETE for a psql command that pg_dump
// does not write: it is never obeyed.
class StatementReader : public ByteSink {
 public:
  using OnStatement = std::function<absl::Status(DumpStatement)>;
  explicit StatementReader(OnStatement on_statement) : on_statement_(std::move(on_statement)) {}

  absl::Status Write(absl::string_view bytes) override;
  // INCOMPLETE when a statement has not ended.
  absl::Status Finish() override;

 private:
  absl::Status EndMetaCommand() const;

  const OnStatement on_statement_;
  SqlLexer lexer_;
  std::string statement_;
};

}  // namespace backup::agent
