// SPDX-License-Identifier: Apache-2.0
#include "base/errors.h"

#include <gtest/gtest.h>

#include "base/status_macros.h"
#include "tests/testing/matchers.h"

namespace backup {
namespace {

using ::backup::testing::EqualsProto;
using ::backup::testing::HasHint;
using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ErrorsTest, CarriesReasonHintAndMetadata) {
  const absl::Status status = MakeError(absl::StatusCode::kNotFound, "POLICY_NOT_FOUND", "policy \"x\" not found",
                                        "look again", {{"policy", "x"}});
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kNotFound, "policy \"x\" not found"));
  EXPECT_THAT(GetErrorInfos(status), ElementsAre(EqualsProto(R"pb(
                reason: "POLICY_NOT_FOUND"
                domain: "backupctl"
                metadata { key: "hint" value: "look again" }
                metadata { key: "policy" value: "x" }
              )pb")));
  EXPECT_THAT(status, HasReason("POLICY_NOT_FOUND"));
  EXPECT_THAT(status, HasHint("look again"));
}

TEST(ErrorsTest, AStatusFromElsewhereHasNoReason) {
  const absl::Status status = absl::InternalError("oops");
  EXPECT_THAT(GetErrorInfos(status), IsEmpty());
  EXPECT_THAT(status, HasReason(""));
  EXPECT_THAT(status, HasHint(""));
  EXPECT_THAT(GetErrorInfos(absl::OkStatus()), IsEmpty());
}

TEST(ErrorsTest, CleansWhatComesFromOutside) {
  const absl::Status status = MakeError(absl::StatusCode::kInternal, "X", "first\n\x1b[31msecond \xff", "do\nthis",
                                        {{"name", std::string("a\0b", 3)}});
  EXPECT_EQ(status.message(), "first\n\\x1b[31msecond \xef\xbf\xbd");
  EXPECT_THAT(status, HasHint("do\\nthis"));
  EXPECT_EQ(GetErrorInfos(status)[0].metadata().at("name"), "a\\x00b");
}

TEST(AnnotateTest, PutsContextInFrontAndKeepsTheRest) {
  const absl::Status status = Annotate(PolicyNotFound("x"), "cannot apply");
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kNotFound, "cannot apply: policy \"x\" not found"));
  EXPECT_THAT(status, HasReason("POLICY_NOT_FOUND"));
  EXPECT_THAT(Annotate(absl::OkStatus(), "cannot apply"), IsOk());
}

TEST(JoinErrorsTest, KeepsAllMessagesAndDetails) {
  const absl::Status joined =
      JoinErrors({absl::OkStatus(), InvalidField("spec.a", "bad"), PolicyNotFound("x"), absl::InternalError("oops")});
  EXPECT_THAT(joined, StatusIs(absl::StatusCode::kInvalidArgument, "spec.a: bad\npolicy \"x\" not found\noops"));
  const std::vector<v1::ErrorInfo> infos = GetErrorInfos(joined);
  ASSERT_EQ(infos.size(), 2u);
  EXPECT_EQ(infos[0].reason(), "INVALID_FIELD");
  EXPECT_EQ(infos[0].metadata().at("field"), "spec.a");
  EXPECT_EQ(infos[1].reason(), "POLICY_NOT_FOUND");
}

TEST(JoinErrorsTest, NothingWrongIsOk) {
  EXPECT_THAT(JoinErrors({}), IsOk());
  EXPECT_THAT(JoinErrors({absl::OkStatus(), absl::OkStatus()}), IsOk());
  EXPECT_EQ(JoinErrors({absl::OkStatus(), RunNotFound("y")}), RunNotFound("y"));
}

TEST(SetErrorInfosTest, ReplacesAndRemoves) {
  absl::Status status = PolicyNotFound("x");
  v1::ErrorInfo info;
  info.set_reason("OTHER");
  SetErrorInfos(status, {info});
  EXPECT_THAT(status, HasReason("OTHER"));
  SetErrorInfos(status, {});
  EXPECT_THAT(GetErrorInfos(status), IsEmpty());
}

TEST(NamedErrorsTest, HaveTheCodesAndReasonsOfTheHeader) {
  const struct {
    absl::Status status;
    absl::StatusCode code;
    const char* reason;
  } kCases[] = {
      {InvalidField("f", "why"), absl::StatusCode::kInvalidArgument, "INVALID_FIELD"},
      {PolicyNotFound("x"), absl::StatusCode::kNotFound, "POLICY_NOT_FOUND"},
      {RunNotFound("x"), absl::StatusCode::kNotFound, "RUN_NOT_FOUND"},
      {BackupNotFound("x"), absl::StatusCode::kNotFound, "BACKUP_NOT_FOUND"},
      {AgentNotFound("x"), absl::StatusCode::kNotFound, "AGENT_NOT_FOUND"},
      {DatabaseNotFound("x"), absl::StatusCode::kNotFound, "DATABASE_NOT_FOUND"},
      {PolicyAlreadyExists("x"), absl::StatusCode::kAlreadyExists, "POLICY_ALREADY_EXISTS"},
      {EtagMismatch("x"), absl::StatusCode::kAborted, "ETAG_MISMATCH"},
      {RunAlreadyEnded("x", "FAILED"), absl::StatusCode::kFailedPrecondition, "RUN_ALREADY_ENDED"},
      {StaleEpoch("x", 1, 2), absl::StatusCode::kFailedPrecondition, "STALE_EPOCH"},
      {RunHeldByOtherAttempt("x"), absl::StatusCode::kFailedPrecondition, "RUN_HELD_BY_OTHER_ATTEMPT"},
      {CatalogUnavailable("no route"), absl::StatusCode::kUnavailable, "CATALOG_UNAVAILABLE"},
      {EnrollmentTokenInvalid(), absl::StatusCode::kUnauthenticated, "ENROLLMENT_TOKEN_INVALID"},
      {ClientCertificateRequired(), absl::StatusCode::kUnauthenticated, "CLIENT_CERTIFICATE_REQUIRED"},
      {NotAllowed("agents/a", "call X"), absl::StatusCode::kPermissionDenied, "NOT_ALLOWED"},
  };
  for (const auto& c : kCases) {
    EXPECT_THAT(c.status, StatusIs(c.code));
    EXPECT_THAT(c.status, HasReason(c.reason));
    const std::string message(c.status.message());
    EXPECT_FALSE(message.empty());
    EXPECT_NE(message.back(), '.') << message;
  }
  EXPECT_EQ(GetErrorInfos(RunAlreadyEnded("x", "FAILED"))[0].metadata().at("state"), "FAILED");
}

absl::Status ReturnsTheFirst(const absl::Status& first, int* reached) {
  RETURN_IF_ERROR(first);
  ++*reached;
  return absl::OkStatus();
}

absl::StatusOr<int> Doubles(const absl::StatusOr<int>& value) {
  ASSIGN_OR_RETURN(const int number, value);
  return 2 * number;
}

TEST(StatusMacrosTest, ReturnErrorsAndGoOnOtherwise) {
  int reached = 0;
  EXPECT_EQ(ReturnsTheFirst(PolicyNotFound("x"), &reached), PolicyNotFound("x"));
  EXPECT_EQ(reached, 0);
  EXPECT_THAT(ReturnsTheFirst(absl::OkStatus(), &reached), IsOk());
  EXPECT_EQ(reached, 1);
  EXPECT_EQ(Doubles(21).value(), 42);
  EXPECT_EQ(Doubles(PolicyNotFound("x")).status(), PolicyNotFound("x"));
}

}  // namespace
}  // namespace backup
