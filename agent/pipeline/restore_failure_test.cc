// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/restore_failure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/pipeline/job_failure.h"
#include "base/errors.h"
#include "tests/testing/matchers.h"

namespace backup::agent {
namespace {

using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::testing::HasSubstr;

TEST(AsRestoreFailureTest, DoesNotBlameTheDump) {
  const absl::Status status =
      AsRestoreFailure(JobError(v1::DUMP_FAILED, "restoring \"x\": no such type", "look there"));
  EXPECT_THAT(status, HasReason("RESTORE_FAILED"));
  EXPECT_EQ(status.message(), "restoring \"x\": no such type");
}

TEST(AsRestoreFailureTest, SaysWhoMayRestoreAndNotWhoMayDump) {
  const absl::Status status = AsRestoreFailure(JobError(v1::PERMISSION, "must be owner", "GRANT pg_read_all_data"));
  EXPECT_THAT(status, HasReason("PERMISSION"));
  EXPECT_THAT(ErrorHint(status), HasSubstr("superuser"));
}

TEST(AsRestoreFailureTest, LeavesOtherCausesAlone) {
  EXPECT_THAT(AsRestoreFailure(JobError(v1::CORRUPT, "x")), HasReason("CORRUPT"));
  EXPECT_THAT(AsRestoreFailure(absl::OkStatus()), IsOk());
}

TEST(AboutMissingRolesTest, NamesThoseOfTheStatement) {
  const absl::Status failed = JobError(v1::DUMP_FAILED, "role does not exist");
  const std::set<std::string> missing = {"app", "other"};
  const absl::Status status = AboutMissingRoles(failed, "42704", "ALTER TABLE t OWNER TO app", missing);
  EXPECT_THAT(status, HasReason("RESTORE_REFUSED"));
  EXPECT_THAT(std::string(status.message()), ::testing::EndsWith("uses: app"));
  EXPECT_THAT(ErrorHint(status), HasSubstr("--create-roles"));
}

TEST(AboutMissingRolesTest, SaysNothingOfRolesWhereTheServerMissesSomethingElse) {
  const absl::Status failed = JobError(v1::DUMP_FAILED, "why");
  EXPECT_THAT(AboutMissingRoles(failed, "42704", "ALTER TABLE t OWNER TO app", {"other"}), HasReason("DUMP_FAILED"));
  EXPECT_THAT(AboutMissingRoles(failed, "42P01", "ALTER TABLE t OWNER TO app", {"app"}), HasReason("DUMP_FAILED"));
  EXPECT_THAT(AboutMissingRoles(absl::OkStatus(), "", "ALTER TABLE t OWNER TO app", {"app"}), IsOk());
}

TEST(AsAssertionFailureTest, AnAssertionThatCannotRunDoesNotHold) {
  EXPECT_THAT(AsAssertionFailure(JobError(v1::DUMP_FAILED, "no such table"), "42P01"), HasReason("ASSERTION_FAILED"));
  EXPECT_THAT(AsAssertionFailure(JobError(v1::PERMISSION, "not for readers"), "42501"), HasReason("ASSERTION_FAILED"));
  EXPECT_THAT(AsAssertionFailure(JobError(v1::DUMP_FAILED, "division by zero"), "22012"),
              HasReason("ASSERTION_FAILED"));
}

TEST(AsAssertionFailureTest, AServerWithoutMeansSaysNothingOfIt) {
  EXPECT_THAT(AsAssertionFailure(JobError(v1::DUMP_FAILED, "disk full"), "53100"), HasReason("DUMP_FAILED"));
  EXPECT_THAT(AsAssertionFailure(JobError(v1::TIMEOUT, "too long"), ""), HasReason("TIMEOUT"));
  EXPECT_THAT(AsAssertionFailure(JobError(v1::CANCELLED_BY_USER, "asked"), ""), HasReason("CANCELLED_BY_USER"));
}

}  // namespace
}  // namespace backup::agent
