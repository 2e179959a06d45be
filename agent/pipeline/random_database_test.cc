// SPDX-License-Identifier: Apache-2.0
// Whatever tables and rows there are, and whoever writes meanwhile: what was dumped verifies, and comes back in a drill
// as it was in one moment.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <latch>
#include <random>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "agent/pipeline/job.h"
#include "agent/pipeline/testing/backup_fixture.h"
#include "tests/testing/matchers.h"

namespace backup::agent {
namespace {

using agent::testing::BackupFixture;
using agent::testing::QuoteIdentifier;
using ::backup::testing::IsOk;

std::string Literal(const std::string& text) {
  return absl::StrCat("E'", absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"'", "''"}}), "'");
}

// Tables that were drawn by lot, as SQL.
class RandomSchema {
 public:
  explicit RandomSchema(uint64_t seed) : random_(seed) {
    const int count = Below(6) + 2;
    for (int i = 0; i < count; ++i) {
      AddTable(i);
    }
  }
  const std::string& sql() const { return sql_; }
  // Quoted.
  const std::vector<std::string>& tables() const { return tables_; }

 private:
  int Below(int limit) { return std::uniform_int_distribution<int>(0, limit - 1)(random_); }
  const std::string& OneOf(const std::vector<std::string>& all) {
    return all[static_cast<size_t>(Below(static_cast<int>(all.size())))];
  }

  std::string HostileText() {
    static const auto* const kPieces = new std::vector<std::string>{"",
                                                                    "\\.",
                                                                    "\\N",
                                                                    "\n\\.\n",
                                                                    "\t",
                                                                    "\r\n",
                                                                    "\n",
                                                                    "\\",
                                                                    "'",
                                                                    "''",
                                                                    "\"",
                                                                    "$$",
                                                                    "/*",
                                                                    "--",
                                                                    ";",
                                                                    "\x01\x7f",
                                                                    "\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x98",
                                                                    "COPY public.t (a) FROM stdin;\n1\n\\.\n",
                                                                    "\n--\n-- PostgreSQL database dump complete\n--\n",
                                                                    "\\restrict x\n",
                                                                    "\\connect postgres\n",
                                                                    "a plain word"};
    std::string text;
    for (int pieces = Below(5); pieces > 0; --pieces) {
      absl::StrAppend(&text, OneOf(*kPieces));
    }
    return text;
  }

  // A value of `type` as an SQL expression.
  std::string Value(const std::string& type) {
    if (Below(6) == 0) {
      return "NULL";
    }
    if (type == "text") {
      return Below(40) == 0 ? absl::StrCat("repeat(", Literal(HostileText() + "x"), ", ", 1 + Below(1'000'000), ")")
                            : Literal(HostileText());
    }
    if (type == "bytea") {
      return Below(40) == 0 ? absl::StrCat("decode(repeat('00ff5c0a09', ", 1 + Below(2'000'000), "), 'hex')")
                            : absl::StrCat("convert_to(", Literal(HostileText()), ", 'UTF8')");
    }
    if (type == "text[]") {
      return absl::StrCat("ARRAY[", Literal(HostileText()), ", NULL, ", Literal(HostileText()), "]");
    }
    if (type == "jsonb") {
      return absl::StrCat("jsonb_build_object('k', ", Literal(HostileText()), ", 'n', ", Below(1000), ")");
    }
    if (type == "float8") {
      return OneOf({"'NaN'", "'-Infinity'", "0.1::float8 + 0.2", "-0.0::float8", "1e308"});
    }
    if (type == "numeric") {
      return OneOf({"'NaN'", "0.00", "12345678901234567890.123456789", "-1"});
    }
    if (type == "timestamp") {
      return OneOf({"'infinity'", "'4713-01-01 00:00:00 BC'", "'2026-03-29 02:30:00.000001'"});
    }
    return absl::StrCat(Below(2'000'000) - 1'000'000);
  }

  void AddTable(int number) {
    static const auto* const kNames =
        new std::vector<std::string>{"plain",     "Upper",   "with space",        "quo\"te",     "semi;colon", "-dash",
                                     "new\nline", "dot.ted", "\xc3\xa9t\xc3\xa9", "back\\slash", "select",     "a'b"};
    static const auto* const kTypes =
        new std::vector<std::string>{"text", "bytea", "text[]", "jsonb", "float8", "numeric", "timestamp", "integer"};
    const std::string table = QuoteIdentifier(absl::StrCat(OneOf(*kNames), number));
    std::vector<std::string> types;
    std::vector<std::string> columns;
    for (int column = Below(6); column >= 0; --column) {
      types.push_back(OneOf(*kTypes));
      columns.push_back(absl::StrCat(QuoteIdentifier(absl::StrCat(OneOf(*kNames), column)), " ", types.back()));
    }
    absl::StrAppend(&sql_, "CREATE TABLE ", table, " (", absl::StrJoin(columns, ", "), ");\n");
    for (int row = Below(60); row > 0; --row) {
      std::vector<std::string> values;
      for (const std::string& type : types) {
        values.push_back(Value(type));
      }
      absl::StrAppend(&sql_, "INSERT INTO ", table, " VALUES (", absl::StrJoin(values, ", "), ");\n");
    }
    tables_.push_back(table);
  }

  std::mt19937_64 random_;
  std::string sql_;
  std::vector<std::string> tables_;
};

// A number that two tables with equal rows have in common.
std::string HashOf(const std::string& table) {
  return absl::StrCat("SELECT coalesce(md5(string_agg(md5(t::text), '' ORDER BY md5(t::text))), 'empty') FROM ", table,
                      " t");
}

// Adds a row to two tables at once, again and again, from the first row's commit to the end of its life.
class Writer {
 public:
  Writer(const backup::testing::MiniPostgres& server, const std::string& database)
      : thread_([this, &server, database] {
          for (bool first = true; !stop_; first = false) {
            EXPECT_THAT(server.Execute("BEGIN; INSERT INTO pair_a VALUES (0); "
                                       "INSERT INTO pair_b VALUES (0); COMMIT",
                                       database),
                        IsOk());
            if (first) begun_.count_down();
          }
        }) {
    begun_.wait();
  }
  ~Writer() {
    stop_ = true;
    thread_.join();
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

 private:
  std::atomic<bool> stop_ = false;
  std::latch begun_{1};
  std::thread thread_;
};

class RandomDatabaseTest : public BackupFixture, public ::testing::WithParamInterface<int> {};

TEST_P(RandomDatabaseTest, SurvivesDumpVerifyAndDrillWhileOthersWrite) {
  const RandomSchema schema(static_cast<uint64_t>(GetParam()));
  const std::string database = absl::StrCat("random ", GetParam());
  // The pair is large enough for streams of their own.
  std::string sql = schema.sql();
  for (const char* table : {"pair_a", "pair_b"}) {
    absl::StrAppend(&sql, "CREATE TABLE ", table, " (n bigint, filler text DEFAULT repeat(md5('x'), 8));\n",
                    "INSERT INTO ", table, " SELECT generate_series(1, 20000);\n");
  }
  CreateDatabase(database, sql);
  DrillRequest drill;
  drill.assertions = {"SELECT (SELECT count(*) FROM public.pair_a) = (SELECT count(*) FROM public.pair_b)"};
  for (const std::string& table : schema.tables()) {
    const auto hash = Server().Query(HashOf(table), database);
    ASSERT_THAT(hash, IsOk());
    drill.assertions.push_back(absl::StrCat("SELECT (", HashOf(absl::StrCat("public.", table)), ") = '", *hash, "'"));
  }
  BackupRequest request = Request(database);
  request.dump.set_jobs(1 + GetParam() % 3);
  request.dump.set_compression(GetParam() % 2 == 0 ? v1::GZIP : v1::ZSTD);

  absl::StatusOr<BackupOutcome> backup = absl::InternalError("");
  {
    const Writer writer(Server(), database);
    backup = Run(request);
  }

  ASSERT_THAT(backup, IsOk());
  EXPECT_THAT(VerifyArtifact({backup->path, backup->manifest_sha256, false}, Clock::Real(), observer_, cancellation_),
              IsOk());
  backup::testing::TempDir work;
  chmod(work.path().c_str(), 0711);  // The server's user has to pass through when we are root.
  drill.artifact_directory = backup->path;
  drill.manifest_sha256 = backup->manifest_sha256;
  drill.work_directory = work.path();
  drill.pg_bindir = Server().bindir();
  drill.jobs = 2;
  EXPECT_THAT(RunDrill(drill, Clock::Real(), observer_, cancellation_), IsOk());
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomDatabaseTest, ::testing::Range(1, 7));

}  // namespace
}  // namespace backup::agent
