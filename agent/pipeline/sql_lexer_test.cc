// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/sql_lexer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "absl/strings/str_cat.h"

namespace backup::agent {
namespace {

using ::testing::ElementsAre;

// All that a lexer finds: statements as "text;", comments as "-- text", commands as they are.
std::vector<std::string> Lex(const std::string& sql, size_t piece_bytes, bool conforming = true) {
  SqlLexer lexer;
  lexer.set_standard_conforming_strings(conforming);
  std::vector<std::string> found;
  std::string statement;
  for (size_t position = 0; position < sql.size(); position += piece_bytes) {
    // A copy for each piece: nothing may be read from one that has gone.
    const std::string piece = sql.substr(position, piece_bytes);
    absl::string_view input = piece;
    while (!input.empty()) {
      switch (lexer.Next(&input)) {
        case SqlLexer::Event::kText:
          absl::StrAppend(&statement, lexer.text());
          break;
        case SqlLexer::Event::kStatementEnd:
          found.push_back(absl::StrCat(statement, ";"));
          statement.clear();
          break;
        case SqlLexer::Event::kLineComment:
          found.push_back(absl::StrCat("--", lexer.line()));
          break;
        case SqlLexer::Event::kMetaCommand:
          found.push_back(lexer.line());
          break;
        case SqlLexer::Event::kInputUsedUp:
          break;
      }
    }
  }
  if (!lexer.at_top_level()) {
    found.push_back(absl::StrCat("open: ", statement));
  }
  return found;
}

struct Split {
  const char* name;
  std::string sql;
  std::vector<std::string> found;
};

class SqlLexerTest : public ::testing::TestWithParam<Split> {};

TEST_P(SqlLexerTest, FindsTheSameInPiecesOfAnySize) {
  for (size_t piece_bytes : {1, 2, 3, 5, 7, 1000}) {
    EXPECT_EQ(Lex(GetParam().sql, piece_bytes), GetParam().found) << "pieces of " << piece_bytes;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Texts, SqlLexerTest,
    ::testing::Values(
        Split{"Statements", "SELECT 1;\n  SELECT 2 ;", {"SELECT 1;", "SELECT 2 ;"}},
        Split{"StringWithSemicolon", "SELECT 'a;b''c;';", {"SELECT 'a;b''c;';"}},
        Split{"BackslashIsOrdinary", "SELECT 'a\\';SELECT 2;", {"SELECT 'a\\';", "SELECT 2;"}},
        Split{"EscapeString", "SELECT E'a\\';b', e'\\\\';SELECT 2;", {"SELECT E'a\\';b', e'\\\\';", "SELECT 2;"}},
        Split{"EscapeStringGoesOnAfterDoubledQuote",
              "SELECT E'a''\\';b';SELECT 2;",
              {"SELECT E'a''\\';b';", "SELECT 2;"}},
        Split{"NameEndingInE", "SELECT type'a\\';SELECT 2;", {"SELECT type'a\\';", "SELECT 2;"}},
        Split{"QuotedIdentifier", "SELECT \"a;\"\"b'c\n-- d\";", {"SELECT \"a;\"\"b'c\n-- d\";"}},
        Split{"DollarQuote", "AS $$ a; 'b $$;", {"AS $$ a; 'b $$;"}},
        Split{"TaggedDollarQuote",
              "AS $_$ $$;\nCOPY x FROM stdin;\n$_ $_$;",
              {"AS $_$ $$;\nCOPY x FROM stdin;\n$_ $_$;"}},
        Split{"DollarQuoteEndsAtOverlap", "AS $a$ x$a$a$;", {"AS $a$ x$a$a$;"}},
        Split{"DollarInName", "SELECT a$b$, c;SELECT 2;", {"SELECT a$b$, c;", "SELECT 2;"}},
        Split{"Parameter", "SELECT $1;SELECT $2, $;", {"SELECT $1;", "SELECT $2, $;"}},
        Split{"Parentheses", "DO (a; b); c;", {"DO (a; b);", "c;"}},
        Split{"BodyOfStatements",
              "CREATE OR REPLACE FUNCTION s.f(a int) RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE a WHEN 1 THEN 2 "
              "END; END;SELECT 2;",
              {"CREATE OR REPLACE FUNCTION s.f(a int) RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE a WHEN 1 THEN 2 "
               "END; END;",
               "SELECT 2;"}},
        Split{
            "RoutineNamedBegin",
            "CREATE FUNCTION public.begin() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT t.begin FROM t; END;SELECT 2;",
            {"CREATE FUNCTION public.begin() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT t.begin FROM t; END;",
             "SELECT 2;"}},
        Split{"RoutineNamedBeginWithAText",
              "CREATE FUNCTION public.begin() RETURNS int LANGUAGE sql AS $$x$$;SELECT 2;",
              {"CREATE FUNCTION public.begin() RETURNS int LANGUAGE sql AS $$x$$;", "SELECT 2;"}},
        Split{"BeginOutsideOfARoutine", "BEGIN;CREATE TABLE begin (x int);", {"BEGIN;", "CREATE TABLE begin (x int);"}},
        Split{"LineComments", "-- one; 'x\n--two\nSELECT 1;", {"-- one; 'x", "--two", "SELECT 1;"}},
        Split{"CommentInStatement", "SELECT 1 -- a;\n+ 2;", {"SELECT 1 + 2;"}},
        Split{"BlockComments", "/* a; /* b */ ' */SELECT/**/1;", {"SELECT1;"}},
        Split{"OperatorsAreNoComments", "SELECT 1 - 2 / 3 -'x' ->> 4;", {"SELECT 1 - 2 / 3 -'x' ->> 4;"}},
        Split{"LeadingOperator", "- 1;", {"- 1;"}},
        Split{"MetaCommand",
              "\\restrict abc;'\nSELECT 1;\n\\unrestrict abc\n",
              {"\\restrict abc;'", "SELECT 1;", "\\unrestrict abc"}},
        Split{"BackslashInStatement", "SELECT \\ 1;", {"SELECT \\ 1;"}},
        Split{"OpenStatement", "SELECT 1", {"open: SELECT 1"}}, Split{"OpenString", "SELECT ';", {"open: SELECT ';"}},
        Split{"OpenComment", "-- x", {"open: "}}, Split{"OpenPending", "-", {"open: "}},
        Split{"ManyComments", "SELECT 1 /*a*//*b*//*c*/--d\n--e\n;", {"SELECT 1 ;"}}),
    [](const auto& info) { return info.param.name; });

TEST(SqlLexerTest, BackslashEscapesWhenStringsDoNotConform) {
  EXPECT_THAT(Lex("SELECT 'a\\';b';", 1, /*conforming=*/false), ElementsAre("SELECT 'a\\';b';"));
}

TEST(SqlLexerTest, AMillionCommentsNeedNoStack) {
  std::string sql = "SELECT 1";
  for (int i = 0; i < 300000; ++i) {
    sql += "/**/--\n";
  }
  EXPECT_THAT(Lex(absl::StrCat(sql, ";"), sql.size() + 1), ElementsAre("SELECT 1;"));
}

}  // namespace
}  // namespace backup::agent
