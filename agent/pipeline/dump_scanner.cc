// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/dump_scanner.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "agent/pipeline/job_failure.h"
#include "agent/pipeline/sql_name.h"
#include "agent/pipeline/text_name.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace backup::agent {
namespace {

// Enough to tell all kinds of statement apart.
constexpr size_t kHeadBytes = 40;
// A COPY statement names up to 1,600 columns of up to 63 bytes, each perhaps a quote.
constexpr size_t kMaxStatementBytes = 1 << 20;
constexpr size_t kMaxWarnings = 20;

// Statements that carry data, or only frame it: they are no part of the schema.
constexpr absl::string_view kDataStatements[] = {"SELECT pg_catalog.", "BEGIN", "COMMIT", "ALTER LARGE OBJECT "};

// Hash of the name in `SET name = ...`; 0 for any other statement.
uint64_t SettingOf(absl::string_view statement) {
  if (!absl::ConsumePrefix(&statement, "SET ")) {
    return 0;
  }
  return HashOf(statement.substr(0, statement.find(' '))).low | 1;
}

}  // namespace

absl::Status DumpScanner::Write(absl::string_view chunk, std::vector<size_t>* member_starts) {
  const char* const begin = chunk.data();
  const int64_t chunk_offset = facts_.plain_bytes;
  facts_.plain_bytes += static_cast<int64_t>(chunk.size());
  if (!chunk.empty()) {
    last_byte_ = chunk.back();
  }
  while (!chunk.empty()) {
    if (copy_begins_) {
      if (chunk.front() != '\n') {
        return JobError(v1::INCOMPLETE, "the dump's COPY statement is not followed by a line end");
      }
      chunk.remove_prefix(1);
      copy_begins_ = false;
      in_copy_ = true;
      rows_.Begin();
      facts_.tables.back().set_plain_offset(chunk_offset + (chunk.data() - begin));
      if (member_starts != nullptr) {
        member_starts->push_back(chunk.data() - begin);
      }
      continue;
    }
    if (in_copy_) {
      if (rows_.Take(&chunk)) {
        in_copy_ = false;
        finished_row_count_ += rows_.row_count();
        rows_.Report(&facts_.tables.back());
      }
      continue;
    }
    switch (lexer_.Next(&chunk)) {
      case SqlLexer::Event::kText:
        AddText(lexer_.text());
        break;
      case SqlLexer::Event::kStatementEnd:
        RETURN_IF_ERROR(EndStatement());
        break;
      case SqlLexer::Event::kLineComment:
        EndComment();
        break;
      case SqlLexer::Event::kMetaCommand:
        EndMetaCommand();
        break;
      case SqlLexer::Event::kInputUsedUp:
        break;
    }
  }
  return absl::OkStatus();
}

void DumpScanner::AddText(absl::string_view text) {
  trailer_seen_ = false;
  if (statement_kind_ == StatementKind::kUnknown) {
    const size_t taken = std::min(text.size(), kHeadBytes - statement_.size());
    statement_.append(text.data(), taken);
    text.remove_prefix(taken);
    if (statement_.size() < kHeadBytes) {
      return;
    }
    Classify();
  }
  switch (statement_kind_) {
    case StatementKind::kSchema:
      statement_hash_.Update(text);
      return;
    case StatementKind::kIgnored:
      return;
    default:
      if (statement_.size() + text.size() > kMaxStatementBytes) {
        statement_too_long_ = true;
        return;
      }
      statement_.append(text.data(), text.size());
  }
}

void DumpScanner::Classify() {
  if (absl::StartsWith(statement_, "COPY ")) {
    statement_kind_ = StatementKind::kCopy;
  } else if (absl::StartsWith(statement_, "SELECT pg_catalog.setval(")) {
    statement_kind_ = StatementKind::kSetval;
  } else if (kind_ == Kind::kGlobals && absl::StartsWith(statement_, "CREATE ROLE ")) {
    statement_kind_ = StatementKind::kCreateRole;
  } else if (std::any_of(std::begin(kDataStatements), std::end(kDataStatements),
                         [this](absl::string_view prefix) { return absl::StartsWith(statement_, prefix); })) {
    statement_kind_ = StatementKind::kIgnored;
  } else {
    statement_kind_ = StatementKind::kSchema;
    statement_hash_.Reset();
    statement_hash_.Update(statement_);
    setting_ = SettingOf(statement_);
  }
}

absl::Status DumpScanner::EndStatement() {
  trailer_seen_ = false;
  const bool is_short = statement_kind_ == StatementKind::kUnknown;
  if (is_short) {
    Classify();
  }
  if (statement_too_long_) {
    return JobError(v1::INCOMPLETE, absl::StrCat("the dump holds a statement that is longer than pg_dump can write: ",
                                                 CleanText(statement_.substr(0, 100))));
  }
  absl::Status status;
  switch (statement_kind_) {
    case StatementKind::kCopy:
      status = EndCopyStatement();
      break;
    case StatementKind::kSetval:
      EndSetval();
      break;
    case StatementKind::kCreateRole: {
      absl::string_view rest = statement_;
      std::string role;
      if (absl::ConsumePrefix(&rest, "CREATE ROLE ") && ConsumeIdentifier(&rest, &role)) {
        facts_.roles.push_back(NameToUtf8(role));
      }
      break;
    }
    case StatementKind::kSchema:
      facts_.schema.push_back({statement_hash_.Digest(), setting_});
      if (is_short && absl::StartsWith(statement_, "SET standard_conforming_strings = ")) {
        standard_conforming_strings_ = !absl::EndsWith(statement_, "off");
        lexer_.set_standard_conforming_strings(standard_conforming_strings_);
      }
      break;
    default:
      break;
  }
  statement_.clear();
  statement_kind_ = StatementKind::kUnknown;
  return status;
}

absl::Status DumpScanner::EndCopyStatement() {
  absl::string_view rest = statement_;
  QualifiedName name;
  if (!absl::ConsumePrefix(&rest, "COPY ") || !ConsumeQualifiedName(&rest, &name) ||
      !absl::EndsWith(rest, "FROM stdin")) {
    return JobError(v1::INCOMPLETE, absl::StrCat("the dump holds a COPY statement that pg_dump does not write: ",
                                                 CleanText(statement_.substr(0, 200))));
  }
  v1::TableFacts& table = facts_.tables.emplace_back();
  table.set_schema(NameToUtf8(name.schema));
  table.set_name(NameToUtf8(name.name));
  copy_begins_ = true;
  return absl::OkStatus();
}

void DumpScanner::EndSetval() {
  absl::string_view rest = statement_;
  std::string literal;
  QualifiedName name;
  v1::SequenceFacts sequence;
  if (!absl::ConsumePrefix(&rest, "SELECT pg_catalog.setval(") ||
      !ConsumeStringLiteral(&rest, standard_conforming_strings_, &literal) || !absl::ConsumePrefix(&rest, ", ")) {
    return;
  }
  absl::string_view spelled = literal;
  const size_t comma = rest.find(", ");
  int64_t value = 0;
  if (!ConsumeQualifiedName(&spelled, &name) || comma == absl::string_view::npos ||
      !absl::SimpleAtoi(rest.substr(0, comma), &value)) {
    return;
  }
  sequence.set_schema(NameToUtf8(name.schema));
  sequence.set_name(NameToUtf8(name.name));
  sequence.set_last_value(value);
  sequence.set_is_called(rest.substr(comma + 2) == "true)");
  facts_.AddSequence(std::move(sequence));
}

void DumpScanner::EndComment() {
  const absl::string_view trailer =
      kind_ == Kind::kDatabase ? " PostgreSQL database dump complete" : " PostgreSQL database cluster dump complete";
  if (lexer_.line() == trailer) {
    trailer_seen_ = true;
  }
}

void DumpScanner::EndMetaCommand() {
  absl::string_view line = lexer_.line();
  if (absl::ConsumePrefix(&line, "\\restrict ") && restrict_key_.empty() && !line.empty()) {
    restrict_key_ = std::string(line);
    trailer_seen_ = false;
    return;
  }
  if (absl::ConsumePrefix(&line, "\\unrestrict ") && !restrict_key_.empty() && line == restrict_key_) {
    restrict_key_.clear();
    return;
  }
  // psql would obey it when the dump is restored (CVE-2025-8714, CVE-2025-8715).
  trailer_seen_ = false;
  if (facts_.warnings.size() < kMaxWarnings) {
    facts_.warnings.push_back(absl::StrCat("the dump holds a command for psql that pg_dump does not write: ",
                                           CleanText(lexer_.line(), 100), "; read it before you restore"));
  }
}

absl::StatusOr<DumpFacts> DumpScanner::Finish() {
  auto incomplete = [this](absl::string_view why) {
    return JobError(v1::INCOMPLETE,
                    absl::StrCat("the dump is not complete: ", why, " (after ", facts_.plain_bytes, " bytes)"),
                    "nothing was stored; look for the reason in the log of the database server");
  };
  if (facts_.plain_bytes == 0) {
    return incomplete("it is empty");
  }
  if (in_copy_ || copy_begins_) {
    const v1::TableFacts& table = facts_.tables.back();
    return incomplete(absl::StrCat("it ends within the data of table ", CleanText(table.schema(), 300), ".",
                                   CleanText(table.name(), 300)));
  }
  if (!lexer_.at_top_level()) {
    return incomplete("it ends within a statement or comment");
  }
  if (!trailer_seen_) {
    return incomplete("its last line, which says that it is complete, is not there");
  }
  if (!restrict_key_.empty()) {
    return incomplete("it ends before its \\unrestrict line");
  }
  if (last_byte_ != '\n') {
    return incomplete("it ends within a line");
  }
  std::sort(facts_.roles.begin(), facts_.roles.end());
  return std::move(facts_);
}

}  // namespace backup::agent
