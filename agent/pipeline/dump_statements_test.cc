// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/dump_statements.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "tests/testing/matchers.h"

namespace backup::agent {
namespace {

using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::testing::ElementsAre;

struct Classified {
  const char* name;
  const char* text;
  RestoreKind kind;
  const char* table = "";
  const char* referenced = "";
};

class ClassifyTest : public ::testing::TestWithParam<Classified> {};

TEST_P(ClassifyTest, TellsWhatAStatementOfPgDumpIs) {
  const DumpStatement statement = ClassifyStatement(GetParam().text);
  EXPECT_EQ(statement.kind, GetParam().kind);
  EXPECT_EQ(statement.text, GetParam().text);
  if (GetParam().kind != RestoreKind::kOther) {
    EXPECT_EQ(statement.table.name, GetParam().table);
    EXPECT_EQ(statement.referenced.name, GetParam().referenced);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Statements, ClassifyTest,
    ::testing::Values(
        Classified{"Set", "SET statement_timeout = 0", RestoreKind::kSetting},
        Classified{"SetConfig", "SELECT pg_catalog.set_config('search_path', '', false)", RestoreKind::kSetting},
        Classified{"CreateTable", "CREATE TABLE s.\"T\" (\n    a integer\n)", RestoreKind::kCreateTable, "T"},
        Classified{"CreateUnloggedTable", "CREATE UNLOGGED TABLE public.t (\n)", RestoreKind::kCreateTable, "t"},
        Classified{"CreateForeignTable", "CREATE FOREIGN TABLE public.t (\n)\nSERVER s", RestoreKind::kOther},
        Classified{"Copy", "COPY public.\"odd (t\" (a, b) FROM stdin", RestoreKind::kCopy, "odd (t"},
        Classified{"Sequence", "SELECT pg_catalog.setval('public.s', 1, true)", RestoreKind::kData},
        Classified{"LargeObject", "SELECT pg_catalog.lowrite(0, '\\x00')", RestoreKind::kData},
        Classified{"MakesLargeObject", "SELECT pg_catalog.lo_create('1')", RestoreKind::kOther},
        Classified{"Index", "CREATE INDEX i ON public.t USING btree (a)", RestoreKind::kIndex, "t"},
        Classified{"UniqueIndex", "CREATE UNIQUE INDEX \"i;\" ON s.\"T\" USING btree (a)", RestoreKind::kIndex, "T"},
        Classified{"IndexOfAPartitionedTable", "CREATE INDEX i ON ONLY public.t USING btree (a)", RestoreKind::kOther},
        Classified{"PrimaryKey", "ALTER TABLE ONLY public.t\n    ADD CONSTRAINT p PRIMARY KEY (a)", RestoreKind::kTable,
                   "t"},
        Classified{"Exclusion", "ALTER TABLE ONLY public.t\n    ADD CONSTRAINT p EXCLUDE USING gist (a WITH &&)",
                   RestoreKind::kTable, "t"},
        Classified{"Cluster", "ALTER TABLE ONLY public.t REPLICA IDENTITY USING INDEX i", RestoreKind::kTable, "t"},
        Classified{"ForeignKey",
                   "ALTER TABLE ONLY public.t\n    ADD CONSTRAINT f FOREIGN KEY (a, \"b)\") REFERENCES s.\"o\"(x, y)",
                   RestoreKind::kForeignKey, "t", "o"},
        Classified{"ForeignKeyOfAPartitionedTable",
                   "ALTER TABLE public.t\n    ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES s.o(x)", RestoreKind::kOther},
        Classified{"Check", "ALTER TABLE ONLY public.t\n    ADD CONSTRAINT c CHECK ((a > 0)) NOT VALID",
                   RestoreKind::kOther},
        Classified{"Attach", "ALTER TABLE ONLY public.t ATTACH PARTITION public.p FOR VALUES IN (1)",
                   RestoreKind::kOther},
        Classified{"AttachIndex", "ALTER INDEX public.i ATTACH PARTITION public.j", RestoreKind::kOther},
        Classified{"CommentOnIndex", "COMMENT ON INDEX public.i IS 'x'", RestoreKind::kFollower},
        Classified{"Trigger", "CREATE TRIGGER g BEFORE INSERT ON public.t FOR EACH ROW EXECUTE FUNCTION f()",
                   RestoreKind::kOther}),
    [](const auto& info) { return std::string(info.param.name); });

std::vector<std::string> Read(const std::string& text, size_t piece_bytes, absl::Status* status) {
  std::vector<std::string> statements;
  StatementReader reader([&](DumpStatement statement) {
    statements.push_back(statement.text);
    return absl::OkStatus();
  });
  for (size_t position = 0; position < text.size() && status->ok(); position += piece_bytes) {
    *status = reader.Write(text.substr(position, piece_bytes));
  }
  status->Update(reader.Finish());
  return statements;
}

TEST(StatementReaderTest, CutsTheTextBetweenTheRowsIntoStatements) {
  // As it is left when the rows of t are taken out.
  const std::string text =
      "--\n-- PostgreSQL database dump\n--\n\n\\restrict key\n\nSET a = 1;\nCREATE TABLE t (x text DEFAULT ';');\n"
      "COPY public.t (x) FROM stdin;\n\\.\n\n\nCREATE INDEX i ON public.t USING btree (x);\n\\unrestrict key\n";
  for (size_t piece_bytes : {1, 7, 10000}) {
    absl::Status status;
    EXPECT_THAT(Read(text, piece_bytes, &status),
                ElementsAre("SET a = 1", "CREATE TABLE t (x text DEFAULT ';')", "COPY public.t (x) FROM stdin",
                            "CREATE INDEX i ON public.t USING btree (x)"));
    EXPECT_THAT(status, IsOk());
  }
}

TEST(StatementReaderTest, NeverObeysACommandForPsql) {
  for (const char* text : {"\\! rm -rf /\n", "SELECT 1;\n\\connect other\n", "\\i /etc/passwd\n"}) {
    absl::Status status;
    Read(text, 100, &status);
    EXPECT_THAT(status, HasReason("INCOMPLETE")) << text;
  }
}

TEST(StatementReaderTest, AStatementWithoutItsEndIsAnError) {
  absl::Status status;
  Read("CREATE TABLE t (", 100, &status);
  EXPECT_THAT(status, HasReason("INCOMPLETE"));
}

}  // namespace
}  // namespace backup::agent
