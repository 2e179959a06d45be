// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/dump_failure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/pipeline/job_failure.h"
#include "base/errors.h"
#include "base/file.h"
#include "tests/testing/matchers.h"

namespace backup::agent {
namespace {

using ::backup::testing::EqualsProto;
using ::backup::testing::HasReason;
using ::testing::HasSubstr;

struct Explained {
  const char* text;
  v1::FailureCause cause;
};

class CauseOfTextTest : public ::testing::TestWithParam<Explained> {};

TEST_P(CauseOfTextTest, Knows) { EXPECT_EQ(CauseOfText(GetParam().text), GetParam().cause) << GetParam().text; }

INSTANTIATE_TEST_SUITE_P(
    Messages, CauseOfTextTest,
    ::testing::Values(
        Explained{"pg_dump: error: aborting because of server version mismatch", v1::VERSION_MISMATCH},
        Explained{"pg_dump: error: query failed: ERROR:  permission denied for table secret", v1::PERMISSION},
        Explained{"ERROR:  query would be affected by row-level security policy for table \"t\"", v1::PERMISSION},
        Explained{"pg_dump: error: query failed: ERROR:  canceling statement due to statement timeout",
                  v1::LOCK_TIMEOUT},
        Explained{"ERROR:  could not obtain lock on relation \"t\"", v1::LOCK_TIMEOUT},
        Explained{"connection to server at \"h\" failed: FATAL:  password authentication failed for user \"u\"",
                  v1::AUTH},
        Explained{"connection to server at \"h\" failed: fe_sendauth: no password supplied", v1::AUTH},
        Explained{"FATAL:  no pg_hba.conf entry for host \"1.2.3.4\"", v1::AUTH},
        Explained{"FATAL:  role \"nobody\" does not exist", v1::AUTH},
        Explained{"FATAL:  database \"gone\" does not exist", v1::WRONG_DATABASE},
        Explained{"pg_dump: error: query failed: ERROR:  invalid snapshot identifier: \"00000003-1\"",
                  v1::WRONG_DATABASE},
        Explained{"FATAL:  terminating connection due to administrator command", v1::NETWORK},
        Explained{
            "pg_dump: error: Dumping the contents of table \"t\" failed: PQgetCopyData() failed.\nserver closed the "
            "connection "
            "unexpectedly",
            v1::NETWORK},
        Explained{"could not translate host name \"x\" to address", v1::NETWORK},
        Explained{
            "connection to server on socket \"/x/.s.PGSQL.5432\" failed: No such file or directory\n\tIs the server "
            "running "
            "locally and accepting connections on that socket?",
            v1::NETWORK},
        Explained{"FATAL:  sorry, too many clients already", v1::NETWORK},
        Explained{"FATAL:  the database system is starting up", v1::NETWORK},
        Explained{"ERROR:  invalid page in block 7 of relation base/1/2", v1::DUMP_FAILED},
        Explained{"", v1::DUMP_FAILED}));

TEST(DumpFailureTest, KnowsSqlStates) {
  EXPECT_EQ(CauseOfSqlState("42501"), v1::PERMISSION);
  EXPECT_EQ(CauseOfSqlState("28P01"), v1::AUTH);
  EXPECT_EQ(CauseOfSqlState("3D000"), v1::WRONG_DATABASE);
  EXPECT_EQ(CauseOfSqlState("55P03"), v1::LOCK_TIMEOUT);
  EXPECT_EQ(CauseOfSqlState("57014"), v1::TIMEOUT);
  EXPECT_EQ(CauseOfSqlState("57P01"), v1::NETWORK);
  EXPECT_EQ(CauseOfSqlState("XX001"), v1::DUMP_FAILED);
  EXPECT_EQ(CauseOfSqlState(""), v1::DUMP_FAILED);
}

TEST(DumpFailureTest, AMessageOfLibpqIsOneLine) {
  const absl::Status status =
      QueryError("", "connection failed: No such file or directory\n\tIs the server running locally?\n");

  EXPECT_THAT(std::string(status.message()), HasSubstr("No such file or directory Is the server running locally?"));
}

TEST(DumpFailureTest, ChildErrorNamesTheTableAndKeepsTheLines) {
  ExitStatus exit;
  exit.code = 1;
  const absl::Status status = ChildError("pg_dump", exit,
                                         {"pg_dump: error: query failed: ERROR:  permission denied for table secret",
                                          "pg_dump: detail: Query was: LOCK TABLE public.secret IN ACCESS SHARE MODE"});
  EXPECT_THAT(status, HasReason("PERMISSION"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("permission denied for table secret"));
  const v1::Failure failure = FailureFromStatus(status);
  EXPECT_EQ(failure.cause(), v1::PERMISSION);
  EXPECT_EQ(failure.stderr_lines_size(), 2);
  EXPECT_THAT(failure.hint(), HasSubstr("pg_read_all_data"));
}

TEST(DumpFailureTest, ChildErrorNamesTheSignal) {
  ExitStatus exit;
  exit.signal = 9;
  const absl::Status status = ChildError("pg_dump", exit, {});
  EXPECT_THAT(status, HasReason("DUMP_FAILED"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("signal 9"));
}

TEST(JobFailureTest, RoundTripsEveryCause) {
  for (int cause = v1::DISK_FULL; cause <= v1::IO; ++cause) {
    const absl::Status status = JobError(static_cast<v1::FailureCause>(cause), "why", "next", {"line 1", "line 2"});
    v1::Failure expected;
    expected.set_cause(static_cast<v1::FailureCause>(cause));
    expected.set_message("why");
    expected.set_hint("next");
    expected.add_stderr_lines("line 1");
    expected.add_stderr_lines("line 2");
    EXPECT_THAT(FailureFromStatus(status), EqualsProto(expected));
  }
}

TEST(JobFailureTest, FileErrorsKeepTheirCauseAndOthersAreInternal) {
  EXPECT_EQ(FailureFromStatus(backup::ErrnoToStatus(ENOSPC, "x")).cause(), v1::DISK_FULL);
  EXPECT_EQ(FailureFromStatus(backup::ErrnoToStatus(EIO, "x")).cause(), v1::IO);
  EXPECT_EQ(FailureFromStatus(absl::UnknownError("x")).cause(), v1::INTERNAL);
  EXPECT_EQ(FailureFromStatus(MakeError(absl::StatusCode::kInternal, "FAILURE_CAUSE_UNSPECIFIED", "x")).cause(),
            v1::INTERNAL);
}

TEST(JobFailureTest, WithHintKeepsTheRest) {
  const v1::Failure failure = FailureFromStatus(WithHint(JobError(v1::AUTH, "why", "old", {"line"}), "new"));
  EXPECT_EQ(failure.hint(), "new");
  EXPECT_EQ(failure.cause(), v1::AUTH);
  EXPECT_EQ(failure.stderr_lines_size(), 1);
}

}  // namespace
}  // namespace backup::agent
