// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gmock/gmock.h>
#include <google/protobuf/message.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>

#include <memory>
#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"

namespace backup::testing {

inline const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& status_or) {
  return status_or.status();
}

// An absl::Status or StatusOr that is OK.
MATCHER(IsOk, "is OK") {
  const absl::Status& status = StatusOf(arg);
  *result_listener << status.ToString();
  return status.ok();
}

// A StatusOr that is OK and whose value matches `inner`.
MATCHER_P(IsOkAndHolds, inner, "is OK and holds a value that matches") {
  if (!arg.ok()) {
    *result_listener << "which is " << arg.status();
    return false;
  }
  return ::testing::ExplainMatchResult(inner, *arg, result_listener);
}

// A Status or StatusOr with this code.
MATCHER_P(StatusIs, code, absl::StrCat("has the code ", absl::StatusCodeToString(code))) {
  const absl::Status& status = StatusOf(arg);
  *result_listener << "which is " << status;
  return status.code() == code;
}

// A Status or StatusOr with this code, and a message that matches `message`.
MATCHER_P2(StatusIs, code, message, absl::StrCat("has the code ", absl::StatusCodeToString(code), " and the message")) {
  const absl::Status& status = StatusOf(arg);
  *result_listener << "which is " << status;
  return status.code() == code &&
         ::testing::ExplainMatchResult(message, std::string(status.message()), result_listener);
}

// A Status or StatusOr whose first ErrorInfo has this reason.
MATCHER_P(HasReason, reason, absl::StrCat("has the reason ", reason)) {
  const absl::Status& status = StatusOf(arg);
  const std::string actual = ErrorReason(status);
  *result_listener << "which has \"" << actual << "\" (" << status << ")";
  return actual == reason;
}

// A Status or StatusOr with a hint that matches `inner`.
MATCHER_P(HasHint, inner, "has a hint that matches") {
  const std::string actual = ErrorHint(StatusOf(arg));
  *result_listener << "which has \"" << actual << "\"";
  return ::testing::ExplainMatchResult(inner, actual, result_listener);
}

// A proto message equal to `expected`: a message of the same type, or its text format.
class EqualsProtoMatcher {
 public:
  explicit EqualsProtoMatcher(std::string text) : text_(std::move(text)) {}

  template <typename T>
  bool MatchAndExplain(const T& actual, std::ostream* listener) const {
    T expected;
    if (!google::protobuf::TextFormat::ParseFromString(text_, &expected)) {
      if (listener != nullptr) *listener << "where the expected text is not a " << expected.GetTypeName();
      return false;
    }
    google::protobuf::util::MessageDifferencer differencer;
    std::string differences;
    differencer.ReportDifferencesToString(&differences);
    const bool equal = differencer.Compare(expected, actual);
    if (!equal && listener != nullptr) *listener << "which differs:\n" << differences;
    return equal;
  }
  void DescribeTo(std::ostream* out) const { *out << "equals " << text_; }
  void DescribeNegationTo(std::ostream* out) const { *out << "does not equal " << text_; }
  using is_gtest_matcher = void;

 private:
  std::string text_;
};

inline EqualsProtoMatcher EqualsProto(const std::string& text) { return EqualsProtoMatcher(text); }
inline EqualsProtoMatcher EqualsProto(const google::protobuf::Message& message) {
  return EqualsProtoMatcher(message.DebugString());
}

}  // namespace backup::testing
