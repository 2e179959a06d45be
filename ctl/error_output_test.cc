// SPDX-License-Identifier: Apache-2.0
#include "ctl/error_output.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "base/errors.h"
#include "ctl/error_parts.h"
#include "ctl/exit_code.h"

namespace backup::ctl {
namespace {

std::string Written(const absl::Status& status, const ErrorStyle& style = {}) {
  std::ostringstream err;
  WriteError(status, style, err);
  return err.str();
}

TEST(ErrorOutputTest, TellsErrorReasonAndHint) {
  EXPECT_EQ(Written(PolicyNotFound("policies/orders")),
            "error: policy \"orders\" not found\nreason: POLICY_NOT_FOUND\nhint: see `backupctl policy list`\n");
}

TEST(ErrorOutputTest, LeavesOutWhatIsNotThere) {
  EXPECT_EQ(Written(absl::InternalError("it broke")), "error: it broke\n");
}

TEST(ErrorOutputTest, TellsJoinedErrorsOneByOne) {
  const absl::Status status = JoinErrors({InvalidField("a", "is bad", "make it good"), InvalidField("b", "is worse")});

  EXPECT_EQ(Written(status),
            "error: a: is bad\nreason: INVALID_FIELD\nhint: make it good\n"
            "error: b: is worse\nreason: INVALID_FIELD\n");
}

TEST(ErrorOutputTest, IndentsFurtherLinesOfOneError) {
  const absl::Status status = MakeError(absl::StatusCode::kUnknown, "DISK_FULL", "backup failed\npg_dump: error: x");

  EXPECT_EQ(Written(status), "error: backup failed\n  pg_dump: error: x\nreason: DISK_FULL\n");
}

TEST(ErrorOutputTest, CleansWhatItTells) {
  EXPECT_EQ(Written(absl::NotFoundError("no \x1b]0;x\x07")), "error: no \\x1b]0;x\\x07\n");
}

TEST(ErrorOutputTest, ColoursLabelsOnly) {
  EXPECT_EQ(Written(absl::InternalError("x"), {.color = true}), "\x1b[31merror:\x1b[0m x\n");
}

TEST(ErrorOutputTest, IsJsonWhenAsked) {
  const auto json = nlohmann::json::parse(Written(EtagMismatch("policies/nightly"), {.json = true}))["error"];

  EXPECT_EQ(json["code"], "ABORTED");
  EXPECT_EQ(json["reason"], "ETAG_MISMATCH");
  EXPECT_EQ(json["exitCode"], 6);
  EXPECT_EQ(json["details"][0]["metadata"]["name"], "policies/nightly");
}

TEST(SplitErrorsTest, KeepsTogetherWhatCannotBeMatched) {
  absl::Status status = JoinErrors({InvalidField("a", "x"), InvalidField("b", "y")});
  status = Annotate(status, "two\nlines");

  EXPECT_EQ(SplitErrors(status).size(), 1u);
  EXPECT_TRUE(SplitErrors(absl::OkStatus()).empty());
}

struct Mapping {
  absl::Status status;
  ExitCode exit_code;
};

TEST(ExitCodeTest, IsOneForEachKindOfError) {
  const Mapping mappings[] = {
      {absl::OkStatus(), ExitCode::kOk},
      {absl::InternalError(""), ExitCode::kFailed},
      {absl::UnknownError(""), ExitCode::kFailed},
      {absl::UnimplementedError(""), ExitCode::kFailed},
      {absl::ResourceExhaustedError(""), ExitCode::kFailed},
      {absl::InvalidArgumentError(""), ExitCode::kUsage},
      {InvalidField("a", "x"), ExitCode::kUsage},
      {MakeError(absl::StatusCode::kNotFound, "FILE_NOT_FOUND", "x"), ExitCode::kUsage},
      {MakeError(absl::StatusCode::kPermissionDenied, "FILE_NOT_READABLE", "x"), ExitCode::kUsage},
      {MakeError(absl::StatusCode::kFailedPrecondition, "NO_CONTEXT", "x"), ExitCode::kUsage},
      {RunNotFound("runs/x"), ExitCode::kNotFound},
      {ClientCertificateRequired(), ExitCode::kNotAllowed},
      {NotAllowed("users/a", "x"), ExitCode::kNotAllowed},
      {CatalogUnavailable("x"), ExitCode::kUnreachable},
      {absl::DeadlineExceededError(""), ExitCode::kUnreachable},
      {absl::UnavailableError(""), ExitCode::kUnreachable},
      {EtagMismatch("x"), ExitCode::kConflict},
      {PolicyAlreadyExists("x"), ExitCode::kConflict},
      {RunAlreadyEnded("runs/x", "FAILED"), ExitCode::kConflict},
      {absl::DataLossError(""), ExitCode::kBadBackup},
      {absl::CancelledError(""), ExitCode::kInterrupted},
  };
  for (const Mapping& mapping : mappings) EXPECT_EQ(ExitCodeOf(mapping.status), mapping.exit_code) << mapping.status;
}

TEST(ExitCodeTest, AreThePublicNumbers) {
  EXPECT_EQ(static_cast<int>(ExitCode::kPartial), 7);
  EXPECT_EQ(static_cast<int>(ExitCode::kBadBackup), 8);
  EXPECT_EQ(static_cast<int>(ExitCode::kInterrupted), 130);
}

}  // namespace
}  // namespace backup::ctl
