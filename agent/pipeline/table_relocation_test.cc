// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/table_relocation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/testing/matchers.h"

namespace backup::agent {
namespace {

using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::IsOkAndHolds;

class TableRelocationTest : public ::testing::Test {
 protected:
  TableRelocationTest() {
    for (const auto& [schema, name] : {std::pair("public", "t"), std::pair("s", "Odd.\"t"), std::pair("s", "t")}) {
      v1::TableFacts& table = *manifest_.add_tables();
      table.set_schema(schema);
      table.set_name(name);
    }
  }

  // The chosen table and the one of an odd name; what becomes of the text is in text_.
  absl::StatusOr<Relocation> Relocate(const std::string& text) {
    const TableChoice choice = *TableChoice::Of(manifest_, {"public.t", "s.Odd.\"t"}, {});
    DumpStatement statement = ClassifyStatement(text);
    const absl::StatusOr<Relocation> relocation = RelocateStatement(manifest_, choice, "a \"b", &statement);
    text_ = statement.text;
    return relocation;
  }

  v1::Manifest manifest_;
  std::string text_;
};

TEST_F(TableRelocationTest, WhatATableConsistsOfGoesIntoTheSchema) {
  EXPECT_THAT(Relocate("CREATE TABLE public.t (\n    x public.t_kind DEFAULT 'public.t'\n)"),
              IsOkAndHolds(Relocation::kMoved));
  EXPECT_EQ(text_, "CREATE TABLE \"a \"\"b\".\"t\" (\n    x public.t_kind DEFAULT 'public.t'\n)");
  EXPECT_THAT(Relocate("COPY s.\"Odd.\"\"t\" (x) FROM stdin"), IsOkAndHolds(Relocation::kMoved));
  EXPECT_EQ(text_, "COPY \"a \"\"b\".\"Odd.\"\"t\" (x) FROM stdin");
  EXPECT_THAT(Relocate("CREATE INDEX t ON public.t USING btree (x)"), IsOkAndHolds(Relocation::kMoved));
  EXPECT_EQ(text_, "CREATE INDEX t ON \"a \"\"b\".\"t\" USING btree (x)");
  EXPECT_THAT(Relocate("ALTER TABLE ONLY public.t\n    ADD CONSTRAINT t PRIMARY KEY (x)"),
              IsOkAndHolds(Relocation::kMoved));
  EXPECT_EQ(text_, "ALTER TABLE ONLY \"a \"\"b\".\"t\"\n    ADD CONSTRAINT t PRIMARY KEY (x)");
}

TEST_F(TableRelocationTest, NothingThatCouldChangeWhatIsThereGetsThrough) {
  for (const char* text : {"CREATE TABLE s.t (\n)",
                           "CREATE TABLE t (\n)",
                           "CREATE FOREIGN TABLE public.t (\n)\nSERVER s",
                           "ALTER TABLE public.t OWNER TO o",
                           "ALTER TABLE ONLY public.t ALTER COLUMN x SET DEFAULT nextval('s')",
                           "ALTER TABLE ONLY public.t ATTACH PARTITION s.t DEFAULT",
                           "SELECT pg_catalog.setval('public.s', 1, true)",
                           "SELECT pg_catalog.lo_create('1')",
                           "SELECT pg_catalog.lowrite(0, '\\x00')",
                           "BEGIN",
                           "COMMIT",
                           "CREATE SCHEMA s",
                           "CREATE FUNCTION public.t() RETURNS integer",
                           "CREATE INDEX i ON s.t USING btree (x)",
                           "CREATE TRIGGER g BEFORE INSERT ON public.t FOR EACH ROW EXECUTE FUNCTION f()",
                           "COMMENT ON TABLE public.t IS 'x'",
                           "COMMENT ON INDEX public.i IS 'x'",
                           "GRANT ALL ON TABLE public.t TO o",
                           "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO o",
                           "REFRESH MATERIALIZED VIEW public.v",
                           "SET default_tablespace = fast",
                           "SET SESSION AUTHORIZATION o",
                           "SET role = o",
                           "SELECT pg_catalog.set_config('x', public.f(), false)",
                           "COPY public.t (x) FROM PROGRAM 'true'",
                           "CREATE TABLE public.t AS SELECT public.f()",
                           "CREATE TABLE public.t PARTITION OF s.t FOR VALUES IN (1)",
                           "ALTER TABLE ONLY public.t\n    ADD CONSTRAINT c UNIQUE (x), INHERIT s.t"}) {
    EXPECT_THAT(Relocate(text), IsOkAndHolds(Relocation::kNotMeant)) << text;
  }
}

TEST_F(TableRelocationTest, AConstraintOfAChosenTableThatIsNotMadeIsTold) {
  EXPECT_THAT(Relocate("ALTER TABLE ONLY public.t\n    ADD CONSTRAINT f FOREIGN KEY (x) REFERENCES s.t(x)"),
              IsOkAndHolds(Relocation::kLeftOut));
  EXPECT_THAT(Relocate("ALTER TABLE public.t\n    ADD CONSTRAINT c CHECK ((x > 0)) NOT VALID"),
              IsOkAndHolds(Relocation::kLeftOut));
  EXPECT_THAT(Relocate("ALTER TABLE ONLY s.t\n    ADD CONSTRAINT f FOREIGN KEY (x) REFERENCES public.t(x)"),
              IsOkAndHolds(Relocation::kNotMeant));
}

TEST_F(TableRelocationTest, OtherTablesRowsKeepTheirPlaceInTheText) {
  EXPECT_THAT(Relocate("COPY s.t (x) FROM stdin"), IsOkAndHolds(Relocation::kMoved));
  EXPECT_EQ(text_, "COPY s.t (x) FROM stdin");
  EXPECT_THAT(Relocate("SET client_encoding = 'LATIN1'"), IsOkAndHolds(Relocation::kMoved));
}

TEST_F(TableRelocationTest, AChildOfAnotherTableIsRefused) {
  EXPECT_THAT(Relocate("CREATE TABLE public.t (\n    x integer\n)\nINHERITS (public.parent)"),
              HasReason("RESTORE_REFUSED"));
}

TEST_F(TableRelocationTest, TablesOfOneNameAreRefused) {
  EXPECT_THAT(CheckNamesAreUnique(manifest_, *TableChoice::Of(manifest_, {}, {"s"})), IsOk());
  EXPECT_THAT(CheckNamesAreUnique(manifest_, TableChoice()), HasReason("RESTORE_REFUSED"));
}

}  // namespace
}  // namespace backup::agent
