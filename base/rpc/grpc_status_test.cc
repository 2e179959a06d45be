// SPDX-License-Identifier: Apache-2.0
#include "base/rpc/grpc_status.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "backup/v1/error.pb.h"
#include "base/errors.h"
#include "base/utf8.h"
#include "tests/testing/matchers.h"

namespace backup {
namespace {

using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::StatusIs;
using ::testing::IsEmpty;
using ::testing::SizeIs;

absl::Status RoundTrip(const absl::Status& status) { return FromGrpcStatus(ToGrpcStatus(status)); }

TEST(GrpcStatusTest, OkIsOk) {
  EXPECT_TRUE(ToGrpcStatus(absl::OkStatus()).ok());
  EXPECT_THAT(FromGrpcStatus(grpc::Status::OK), IsOk());
}

TEST(GrpcStatusTest, EveryCodeComesBack) {
  for (int code = 1; code <= 16; ++code) {
    const absl::Status status(static_cast<absl::StatusCode>(code), "why");
    EXPECT_EQ(static_cast<int>(ToGrpcStatus(status).error_code()), code);
    EXPECT_EQ(RoundTrip(status), status);
  }
}

TEST(GrpcStatusTest, AStrangeCodeIsUnknown) {
  EXPECT_THAT(FromGrpcStatus(grpc::Status(static_cast<grpc::StatusCode>(20), "x")),
              StatusIs(absl::StatusCode::kUnknown));
  EXPECT_THAT(FromGrpcStatus(grpc::Status(static_cast<grpc::StatusCode>(-1), "x")),
              StatusIs(absl::StatusCode::kUnknown));
}

TEST(GrpcStatusTest, SeveralErrorInfosComeBack) {
  const absl::Status status = JoinErrors({InvalidField("spec.a", "bad", "mend it"), PolicyNotFound("größe")});
  EXPECT_EQ(RoundTrip(status), status);
  EXPECT_THAT(GetErrorInfos(RoundTrip(status)), SizeIs(2));
}

TEST(GrpcStatusTest, TheDetailsReadAsGoogleRpcStatus) {
  const grpc::Status status = ToGrpcStatus(PolicyNotFound("x"));
  v1::StatusDetails details;
  ASSERT_TRUE(details.ParseFromString(status.error_details()));
  EXPECT_EQ(details.code(), 5);
  EXPECT_EQ(details.message(), status.error_message()) << "Python's reader insists on that";
  ASSERT_EQ(details.details_size(), 1);
  EXPECT_EQ(details.details(0).type_url(), "type.googleapis.com/google.rpc.ErrorInfo");
}

TEST(GrpcStatusTest, CutsALongMessageAtAWholeCharacter) {
  const absl::Status ascii = RoundTrip(absl::InternalError(std::string(100'000, 'x')));
  EXPECT_EQ(ascii.message().size(), 2048u);
  std::string long_text;
  while (long_text.size() < 100'000) long_text += "größe 日本 ";
  const absl::Status wide = RoundTrip(absl::InternalError(long_text));
  EXPECT_LT(wide.message().size(), 2048u);
  EXPECT_GT(wide.message().size(), 500u);
  EXPECT_TRUE(IsValidUtf8(wide.message()));
}

TEST(GrpcStatusTest, AMessageThatIsNotUtf8DoesNotLoseTheDetails) {
  absl::Status status(absl::StatusCode::kInternal, "caf\xe9");
  SetErrorInfos(status, GetErrorInfos(PolicyNotFound("x")));
  EXPECT_THAT(RoundTrip(status), StatusIs(absl::StatusCode::kInternal, "caf\xef\xbf\xbd"));
  EXPECT_THAT(RoundTrip(status), HasReason("POLICY_NOT_FOUND"));
}

TEST(GrpcStatusTest, LeavesOutTheLastDetailsWhenThereAreTooMany) {
  std::vector<absl::Status> errors;
  for (int i = 0; i < 500; ++i) errors.push_back(InvalidField(absl::StrCat("spec.field", i), "is wrong in a long way"));
  const grpc::Status status = ToGrpcStatus(JoinErrors(errors));
  EXPECT_LE(status.error_message().size(), 2048u);
  EXPECT_LE(status.error_details().size(), 4096u);
  const std::vector<v1::ErrorInfo> infos = GetErrorInfos(FromGrpcStatus(status));
  ASSERT_GT(infos.size(), 5u);
  EXPECT_EQ(infos[0].metadata().at("field"), "spec.field0");
  EXPECT_EQ(infos.back().metadata().at("field"), absl::StrCat("spec.field", infos.size() - 1));
}

TEST(GrpcStatusTest, ForeignOrBrokenDetailsAreIgnored) {
  for (const std::string& details : {std::string("\xff\xff"), std::string(10'000, 'x')}) {
    const absl::Status status = FromGrpcStatus(grpc::Status(grpc::StatusCode::NOT_FOUND, "gone", details));
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kNotFound, "gone"));
    EXPECT_THAT(GetErrorInfos(status), IsEmpty());
  }
  v1::StatusDetails foreign;
  foreign.add_details()->set_type_url("type.googleapis.com/google.rpc.RetryInfo");
  const absl::Status status =
      FromGrpcStatus(grpc::Status(grpc::StatusCode::NOT_FOUND, "gone", foreign.SerializeAsString()));
  EXPECT_THAT(GetErrorInfos(status), IsEmpty());
}

}  // namespace
}  // namespace backup
