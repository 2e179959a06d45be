// SPDX-License-Identifier: Apache-2.0
#include "base/proto_json.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/utf8.h"

namespace backup {
namespace {

// google/protobuf/duration.proto and timestamp.proto: ten thousand years either way, and the years 1 to 9999.
constexpr int64_t kMaxDurationSeconds = 315'576'000'000;
constexpr int64_t kMinTimestampSeconds = -62'135'596'800;
constexpr int64_t kMaxTimestampSeconds = 253'402'300'799;

absl::Status NotReadable(const google::protobuf::Message& message, absl::string_view why) {
  return MakeError(absl::StatusCode::kInvalidArgument, "JSON_INVALID",
                   absl::StrCat("not a ", message.GetDescriptor()->name(), " in JSON: ", why));
}

}  // namespace

std::string ToJson(const google::protobuf::Message& message, bool indent) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = indent;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  return status.ok() ? json : "{}";
}

absl::Status FromJson(absl::string_view json, google::protobuf::Message* message) {
  message->Clear();
  if (!IsValidUtf8(json)) return NotReadable(*message, "not UTF-8");
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = false;
  const auto status =
      google::protobuf::util::JsonStringToMessage({json.data(), static_cast<size_t>(json.size())}, message, options);
  if (status.ok()) return absl::OkStatus();
  const auto why = status.message();
  return NotReadable(*message, absl::string_view(why.data(), std::min<size_t>(why.size(), 1024)));
}

absl::Time ToAbsl(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

absl::Duration ToAbsl(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

google::protobuf::Timestamp ToProto(absl::Time time) {
  time = std::clamp(time, absl::FromUnixSeconds(kMinTimestampSeconds), absl::FromUnixSeconds(kMaxTimestampSeconds));
  google::protobuf::Timestamp result;
  result.set_seconds(absl::ToUnixSeconds(time));
  result.set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(absl::ToUnixSeconds(time)))));
  return result;
}

google::protobuf::Duration ToProto(absl::Duration duration) {
  duration = std::clamp(duration, -absl::Seconds(kMaxDurationSeconds), absl::Seconds(kMaxDurationSeconds));
  google::protobuf::Duration result;
  absl::Duration remainder;
  result.set_seconds(absl::IDivDuration(duration, absl::Seconds(1), &remainder));
  result.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(remainder)));
  return result;
}

}  // namespace backup
