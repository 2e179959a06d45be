// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/dump_scanner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <xxhash.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "agent/pipeline/testing/sample_dump.h"
#include "tests/testing/matchers.h"

namespace backup::agent {
namespace {

using agent::testing::SampleDump;
using agent::testing::WrapDump;
using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

absl::StatusOr<DumpFacts> Scan(const std::string& text, size_t piece_bytes = 1 << 20,
                               DumpScanner::Kind kind = DumpScanner::Kind::kDatabase) {
  DumpScanner scanner(kind);
  for (size_t position = 0; position < text.size(); position += piece_bytes) {
    const std::string piece = text.substr(position, piece_bytes);
    if (absl::Status status = scanner.Write(piece); !status.ok()) {
      return status;
    }
  }
  return scanner.Finish();
}

// The definition of the content hash, said again in another way.
std::string ContentHash(const std::vector<std::string>& rows) {
  unsigned __int128 sum = 0;
  for (const std::string& row : rows) {
    const XXH128_hash_t hash = XXH3_128bits(row.data(), row.size());
    sum += (static_cast<unsigned __int128>(hash.high64) << 64) + hash.low64;
  }
  return absl::StrFormat("%016x%016x", static_cast<uint64_t>(sum >> 64), static_cast<uint64_t>(sum));
}

TEST(DumpScannerTest, CountsAndHashesTheRowsOfEachTable) {
  const std::string dump = WrapDump(
      "COPY public.a (id, t) FROM stdin;\n1\tx\n2\ty\n3\t\\N\n\\.\n\n"
      "COPY public.empty (id) FROM stdin;\n\\.\n\n"
      "COPY public.\"we\"\"ird\nname\" (\"FROM stdin;\") FROM stdin;\n\n\n\\.\n");
  auto facts = Scan(dump);
  ASSERT_THAT(facts, IsOk());
  ASSERT_THAT(facts->tables, SizeIs(3));
  EXPECT_EQ(facts->tables[0].schema(), "public");
  EXPECT_EQ(facts->tables[0].name(), "a");
  EXPECT_EQ(facts->tables[0].row_count(), 3);
  EXPECT_EQ(facts->tables[0].plain_bytes(), 13);
  EXPECT_EQ(facts->tables[0].content_hash(), ContentHash({"1\tx", "2\ty", "3\t\\N"}));
  EXPECT_EQ(facts->tables[0].plain_offset(), static_cast<int64_t>(dump.find("1\tx")));
  EXPECT_EQ(facts->tables[1].row_count(), 0);
  EXPECT_EQ(facts->tables[1].content_hash(), ContentHash({}));
  EXPECT_EQ(facts->tables[2].name(), "we\"ird\nname");
  EXPECT_EQ(facts->tables[2].row_count(), 2);  // Rows of a table without columns are empty lines.
  EXPECT_EQ(facts->tables[2].content_hash(), ContentHash({"", ""}));
}

TEST(DumpScannerTest, TheContentHashIsBlindToOrderAndSeesRepetition) {
  auto scan = [](const std::string& rows) {
    return Scan(WrapDump(absl::StrCat("COPY t (x) FROM stdin;\n", rows, "\\.\n")))->tables[0].content_hash();
  };
  EXPECT_EQ(scan("a\nb\nc\n"), scan("c\na\nb\n"));
  EXPECT_NE(scan("a\na\nb\n"), scan("a\nb\n"));
  EXPECT_NE(scan("a\na\n"), scan("b\nb\n"));
}

TEST(DumpScannerTest, FindsTheSameInPiecesOfAnySize) {
  const std::string dump = SampleDump();
  const auto whole = Scan(dump);
  ASSERT_THAT(whole, IsOk());
  for (size_t piece_bytes : {1, 2, 3, 7, 64, 1021}) {
    const auto pieces = Scan(dump, piece_bytes);
    ASSERT_THAT(pieces, IsOk());
    ASSERT_EQ(pieces->tables.size(), whole->tables.size());
    for (size_t i = 0; i < whole->tables.size(); ++i) {
      EXPECT_EQ(pieces->tables[i].SerializeAsString(), whole->tables[i].SerializeAsString());
    }
    EXPECT_EQ(pieces->SchemaFingerprint(), whole->SchemaFingerprint());
    EXPECT_EQ(pieces->sequences.size(), whole->sequences.size());
    EXPECT_EQ(pieces->plain_bytes, static_cast<int64_t>(dump.size()));
  }
}

TEST(DumpScannerTest, TextThatOnlyLooksLikeACopyStatementIsNone) {
  auto facts = Scan(
      WrapDump("CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $_$\nCOPY public.fake (id) FROM stdin;\n1\n\\.\n$_$;\n"
               "COMMENT ON FUNCTION f() IS 'COPY public.fake FROM stdin;\n1\n\\.\n';\n"
               "-- COPY public.fake FROM stdin;\n"
               "COPY public.real (t) FROM stdin;\nCOPY public.fake FROM stdin;\n--\n-- PostgreSQL database dump "
               "complete\n--\n\\\\.\n\\.\n"));
  ASSERT_THAT(facts, IsOk());
  ASSERT_THAT(facts->tables, SizeIs(1));
  EXPECT_EQ(facts->tables[0].name(), "real");
  EXPECT_EQ(facts->tables[0].row_count(), 5);
}

TEST(DumpScannerTest, ReadsSequences) {
  auto facts =
      Scan(WrapDump("SELECT pg_catalog.setval('public.a_seq', 200, true);\n"
                    "SELECT pg_catalog.setval('public.\"it''s; mine\"', -5, false);\n"
                    "SELECT pg_catalog.setval('public.big', 9223372036854775807, true);\n"));
  ASSERT_THAT(facts, IsOk());
  ASSERT_THAT(facts->sequences, SizeIs(3));
  EXPECT_EQ(facts->sequences[0].name(), "a_seq");
  EXPECT_EQ(facts->sequences[0].last_value(), 200);
  EXPECT_TRUE(facts->sequences[0].is_called());
  EXPECT_EQ(facts->sequences[1].name(), "it's; mine");
  EXPECT_EQ(facts->sequences[1].last_value(), -5);
  EXPECT_FALSE(facts->sequences[1].is_called());
  EXPECT_EQ(facts->sequences[2].last_value(), INT64_MAX);
}

TEST(DumpScannerTest, FingerprintFollowsTheSchemaAndNothingElse) {
  auto fingerprint = [](const std::string& body, const std::string& key = "Key1") {
    auto facts = Scan(WrapDump(body, key));
    EXPECT_THAT(facts, IsOk());
    return facts->SchemaFingerprint();
  };
  const std::string base =
      "CREATE TABLE t (id integer);\nCOPY t (id) FROM stdin;\n1\n\\.\nSELECT pg_catalog.setval('s', 1, true);\n";
  const std::string expected = fingerprint(base);
  EXPECT_EQ(expected, fingerprint(base, "Key2"));
  EXPECT_EQ(expected, fingerprint("\n\n-- comment\n" + base));
  EXPECT_EQ(expected, fingerprint(absl::StrReplaceAll(base, {{"\n1\n", "\n2\n3\n"}, {"1, true", "9, false"}})));
  EXPECT_NE(expected, fingerprint(absl::StrReplaceAll(base, {{"integer", "bigint"}})));
  EXPECT_NE(expected, fingerprint(base + "CREATE INDEX i ON t (id);\n"));
}

TEST(DumpScannerTest, EveryTruncationIsFound) {
  const std::string dump = SampleDump();
  ASSERT_THAT(Scan(dump), IsOk());
  // All but that of the blank line at the very end.
  for (size_t size = 0; size + 1 < dump.size(); ++size) {
    ASSERT_THAT(Scan(dump.substr(0, size)), HasReason("INCOMPLETE")) << "cut at " << size << " of " << dump.size();
  }
}

TEST(DumpScannerTest, TruncationOfADumpWithoutRestrictIsFoundUpToItsTrailer) {
  const std::string dump = WrapDump("COPY t (x) FROM stdin;\n1\n\\.\n", "");
  const size_t trailer = dump.find("-- PostgreSQL database dump complete\n");
  ASSERT_THAT(Scan(dump), IsOk());
  for (size_t size = 0; size <= trailer + 36; ++size) {
    ASSERT_THAT(Scan(dump.substr(0, size)), HasReason("INCOMPLETE")) << "cut at " << size;
  }
}

TEST(DumpScannerTest, TheTrailerCountsOnlyAtTheEndAndOutsideOfData) {
  const std::string trailer = "--\n-- PostgreSQL database dump complete\n--\n";
  EXPECT_THAT(Scan(absl::StrCat("SELECT 1;\n", trailer, "SELECT 2;\n")), HasReason("INCOMPLETE"));
  EXPECT_THAT(Scan(absl::StrCat("SELECT 1;\n", trailer, "SELECT 2")), HasReason("INCOMPLETE"));
  EXPECT_THAT(Scan(absl::StrCat("COPY t (x) FROM stdin;\n", trailer)), HasReason("INCOMPLETE"));
  EXPECT_THAT(Scan(absl::StrCat("SELECT '\n", trailer)), HasReason("INCOMPLETE"));
  EXPECT_THAT(Scan(absl::StrCat("SELECT 1\n", trailer)), HasReason("INCOMPLETE"));
  EXPECT_THAT(Scan("-- PostgreSQL database dump complete \n"), HasReason("INCOMPLETE"));
  EXPECT_THAT(Scan(absl::StrCat("SELECT 1;\n", trailer)), IsOk());
}

TEST(DumpScannerTest, IncompleteNamesTheTable) {
  auto facts = Scan("COPY public.orders (x) FROM stdin;\n1\n2");
  EXPECT_THAT(facts, HasReason("INCOMPLETE"));
  EXPECT_THAT(std::string(facts.status().message()), HasSubstr("public.orders"));
}

TEST(DumpScannerTest, ForeignPsqlCommandsAreWarnedOf) {
  auto facts = Scan(WrapDump("\\! touch /tmp/x\nSELECT 1;\n"));
  ASSERT_THAT(facts, IsOk());
  ASSERT_THAT(facts->warnings, SizeIs(1));
  EXPECT_THAT(facts->warnings[0], HasSubstr("touch"));
  EXPECT_THAT(Scan(SampleDump())->warnings, IsEmpty());
}

TEST(DumpScannerTest, StringsWithBackslashEscapesAreFollowed) {
  auto facts =
      Scan(WrapDump("SET standard_conforming_strings = off;\nCOMMENT ON TABLE t IS 'it\\';\nCOPY x FROM stdin;\n';\n"
                    "COPY t (x) FROM stdin;\n1\n\\.\n"));
  ASSERT_THAT(facts, IsOk());
  EXPECT_THAT(facts->tables, SizeIs(1));
}

TEST(DumpScannerTest, NamesInOtherEncodingsBecomeUtf8) {
  auto facts = Scan(WrapDump("COPY public.\"caf\xe9\" (x) FROM stdin;\n\\.\n"));
  ASSERT_THAT(facts, IsOk());
  EXPECT_EQ(facts->tables[0].name(), "caf\\xe9");
}

TEST(DumpScannerTest, MemberStartsAreWhereDataBegins) {
  const std::string dump = WrapDump("COPY a (x) FROM stdin;\n1\n\\.\nCOPY b (x) FROM stdin;\n2\n\\.\n");
  DumpScanner scanner(DumpScanner::Kind::kDatabase);
  std::vector<size_t> starts;
  ASSERT_THAT(scanner.Write(dump, &starts), IsOk());
  EXPECT_THAT(starts, ElementsAre(dump.find("1\n\\."), dump.find("2\n\\.")));
}

TEST(DumpScannerTest, ReadsGlobals) {
  const std::string globals =
      "--\n-- PostgreSQL database cluster dump\n--\n\n\\restrict K\n\nSET client_encoding = 'UTF8';\n"
      "CREATE ROLE zoe;\nALTER ROLE zoe WITH LOGIN;\nCREATE ROLE \"A role; --\";\n\n\\unrestrict K\n\n"
      "--\n-- PostgreSQL database cluster dump complete\n--\n\n";
  auto facts = Scan(globals, 1 << 20, DumpScanner::Kind::kGlobals);
  ASSERT_THAT(facts, IsOk());
  EXPECT_THAT(facts->roles, ElementsAre("A role; --", "zoe"));
  EXPECT_THAT(Scan(globals), HasReason("INCOMPLETE"));  // It is no dump of a database.
  EXPECT_THAT(Scan(globals.substr(0, globals.size() - 10), 5, DumpScanner::Kind::kGlobals), HasReason("INCOMPLETE"));
}

TEST(DumpScannerTest, RefusesCopyThatPgDumpDoesNotWrite) {
  EXPECT_THAT(Scan("COPY t (x) FROM stdin; 1\n"), HasReason("INCOMPLETE"));
  EXPECT_THAT(Scan("COPY (SELECT 1) TO stdout;\n"), HasReason("INCOMPLETE"));
  EXPECT_THAT(Scan(absl::StrCat("COPY t (", std::string(2 << 20, 'x'), ") FROM stdin;\n")), HasReason("INCOMPLETE"));
}

}  // namespace
}  // namespace backup::agent
