// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/dump_statements.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "agent/pipeline/job_failure.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace backup::agent {
namespace {

// Longer than the greatest statement that pg_dump can read back from a server, which is 1 GB, would be a sign of
// damage; a view or function is far below this.
constexpr size_t kMaxReadBytes = 256 << 20;

bool StartsWithAny(absl::string_view text, std::initializer_list<absl::string_view> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [text](absl::string_view prefix) { return absl::StartsWith(text, prefix); });
}

// Takes the name of the table that `statement` is about from `rest`, a part of its text.
bool ConsumeTable(absl::string_view* rest, DumpStatement* statement) {
  const char* const text = statement->text.data();
  statement->table_begin = static_cast<size_t>(rest->data() - text);
  const bool found = ConsumeQualifiedName(rest, &statement->table);
  statement->table_end = static_cast<size_t>(rest->data() - text);
  return found;
}

// `CREATE TABLE table (...` or `... OF type`, also UNLOGGED.
bool ParseCreateTable(absl::string_view rest, DumpStatement* statement) {
  return (absl::ConsumePrefix(&rest, "CREATE TABLE ") || absl::ConsumePrefix(&rest, "CREATE UNLOGGED TABLE ")) &&
         ConsumeTable(&rest, statement) && absl::StartsWith(rest, " ");
}

// `CREATE [UNIQUE] INDEX name ON [ONLY] table USING ...`. On a partitioned table alone it is only a frame for others,
// which are attached to it in their place.
bool ParseIndex(absl::string_view rest, DumpStatement* statement) {
  std::string index;
  return (absl::ConsumePrefix(&rest, "CREATE INDEX ") || absl::ConsumePrefix(&rest, "CREATE UNIQUE INDEX ")) &&
         ConsumeIdentifier(&rest, &index) && absl::ConsumePrefix(&rest, " ON ") && !absl::StartsWith(rest, "ONLY ") &&
         ConsumeTable(&rest, statement) && absl::StartsWith(rest, " ");
}

// `ALTER TABLE ONLY table\n    ADD CONSTRAINT name ...`, `ALTER TABLE ONLY table REPLICA IDENTITY ...` and so on.
bool ParseAlterTable(absl::string_view rest, DumpStatement* statement) {
  std::string constraint;
  if (!absl::ConsumePrefix(&rest, "ALTER TABLE ONLY ") || !ConsumeTable(&rest, statement)) {
    return false;
  }
  if (StartsWithAny(rest, {" CLUSTER ON ", " REPLICA IDENTITY "})) {
    statement->kind = RestoreKind::kTable;
    return true;
  }
  if (!absl::ConsumePrefix(&rest, "\n    ADD CONSTRAINT ") || !ConsumeIdentifier(&rest, &constraint) ||
      !absl::ConsumePrefix(&rest, " ")) {
    return false;
  }
  if (StartsWithAny(rest, {"PRIMARY KEY ", "UNIQUE ", "EXCLUDE "})) {
    statement->kind = RestoreKind::kTable;
    return true;
  }
  // FOREIGN KEY (columns) REFERENCES table(columns): a quoted column may hold a parenthesis, so all names are parsed.
  if (!absl::ConsumePrefix(&rest, "FOREIGN KEY (")) {
    return false;
  }
  do {
    std::string column;
    if (!ConsumeIdentifier(&rest, &column)) {
      return false;
    }
  } while (absl::ConsumePrefix(&rest, ", "));
  if (!absl::ConsumePrefix(&rest, ") REFERENCES ") || !ConsumeQualifiedName(&rest, &statement->referenced)) {
    return false;
  }
  statement->kind = RestoreKind::kForeignKey;
  return true;
}

}  // namespace

DumpStatement ClassifyStatement(std::string text) {
  DumpStatement statement;
  statement.text = std::move(text);
  absl::string_view rest = statement.text;
  if (StartsWithAny(rest, {"SET ", "SELECT pg_catalog.set_config("})) {
    statement.kind = RestoreKind::kSetting;
  } else if (absl::ConsumePrefix(&rest, "COPY ")) {
    statement.kind = ConsumeTable(&rest, &statement) ? RestoreKind::kCopy : RestoreKind::kOther;
  } else if (StartsWithAny(rest,
                           {"SELECT pg_catalog.setval(", "SELECT pg_catalog.lo_open(", "SELECT pg_catalog.lowrite(",
                            "SELECT pg_catalog.lo_close(", "SELECT pg_catalog.lo_put("}) ||
             rest == "BEGIN" || rest == "COMMIT") {
    statement.kind = RestoreKind::kData;
  } else if (ParseCreateTable(rest, &statement)) {
    statement.kind = RestoreKind::kCreateTable;
  } else if (ParseIndex(rest, &statement)) {
    statement.kind = RestoreKind::kIndex;
  } else if (absl::StartsWith(rest, "COMMENT ON INDEX ") || absl::StartsWith(rest, "COMMENT ON CONSTRAINT ")) {
    statement.kind = RestoreKind::kFollower;
  } else {
    ParseAlterTable(rest, &statement);
  }
  return statement;
}

absl::Status StatementReader::Write(absl::string_view bytes) {
  while (!bytes.empty()) {
    switch (lexer_.Next(&bytes)) {
      case SqlLexer::Event::kText:
        if (statement_.size() + lexer_.text().size() > kMaxReadBytes) {
          return JobError(v1::INCOMPLETE, absl::StrCat("the dump holds a statement that is longer than pg_dump can "
                                                       "write: ",
                                                       CleanText(statement_.substr(0, 100))));
        }
        statement_.append(lexer_.text().data(), lexer_.text().size());
        break;
      case SqlLexer::Event::kStatementEnd: {
        if (absl::StartsWith(statement_, "SET standard_conforming_strings = ")) {
          lexer_.set_standard_conforming_strings(!absl::EndsWith(statement_, "off"));
        }
        RETURN_IF_ERROR(on_statement_(ClassifyStatement(std::exchange(statement_, std::string()))));
        break;
      }
      case SqlLexer::Event::kMetaCommand:
        RETURN_IF_ERROR(EndMetaCommand());
        break;
      case SqlLexer::Event::kLineComment:
      case SqlLexer::Event::kInputUsedUp:
        break;
    }
  }
  return absl::OkStatus();
}

absl::Status StatementReader::EndMetaCommand() const {
  const std::string& line = lexer_.line();
  // The end of a table's rows, which were read elsewhere, and the frame that keeps psql from obeying the dump.
  if (line == "\\." || absl::StartsWith(line, "\\restrict ") || absl::StartsWith(line, "\\unrestrict ")) {
    return absl::OkStatus();
  }
  return JobError(
      v1::INCOMPLETE,
      absl::StrCat("the dump holds a command for psql that pg_dump does not write: ", CleanText(line, 100)),
      "somebody may have changed the database's objects to attack whoever restores it: read the dump first");
}

absl::Status StatementReader::Finish() {
  return lexer_.at_top_level() ? absl::OkStatus() : JobError(v1::INCOMPLETE, "the dump ends within a statement");
}

}  // namespace backup::agent
