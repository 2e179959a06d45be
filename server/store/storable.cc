// SPDX-License-Identifier: Apache-2.0
#include "server/store/storable.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/utf8.h"

namespace backup::server {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// Ranges of google/protobuf/timestamp.proto and duration.proto.
constexpr int64_t kMinTimestampSeconds = -62135596800;  // 0001-01-01T00:00:00Z
constexpr int64_t kMaxTimestampSeconds = 253402300799;  // 9999-12-31T23:59:59Z
constexpr int64_t kMaxDurationSeconds = 315576000000;
constexpr int32_t kMaxNanos = 999999999;
constexpr int32_t kNanosPerMicrosecond = 1000;

absl::Status CheckTime(const google::protobuf::Timestamp& time, absl::string_view field) {
  const bool valid = time.seconds() >= kMinTimestampSeconds && time.seconds() <= kMaxTimestampSeconds &&
                     time.nanos() >= 0 && time.nanos() <= kMaxNanos;
  return valid ? absl::OkStatus() : ValueInvalid(field, "is not a time of the years 1 to 9999");
}

absl::Status CheckDuration(const google::protobuf::Duration& duration, absl::string_view field) {
  const int64_t seconds = duration.seconds();
  const int32_t nanos = duration.nanos();
  const bool valid = seconds >= -kMaxDurationSeconds && seconds <= kMaxDurationSeconds && nanos >= -kMaxNanos &&
                     nanos <= kMaxNanos && (seconds <= 0 || nanos >= 0) && (seconds >= 0 || nanos <= 0);
  return valid ? absl::OkStatus() : ValueInvalid(field, "is not a duration of at most 10,000 years");
}

absl::Status CheckMessage(const Message& message, const std::string& path) {
  if (const auto* time = dynamic_cast<const google::protobuf::Timestamp*>(&message)) return CheckTime(*time, path);
  if (const auto* duration = dynamic_cast<const google::protobuf::Duration*>(&message)) {
    return CheckDuration(*duration, path);
  }
  const Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const std::string field_path = path.empty() ? field->name() : absl::StrCat(path, ".", field->name());
    const int count = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        const Message& inner = field->is_repeated() ? reflection.GetRepeatedMessage(message, field, i)
                                                    : reflection.GetMessage(message, field);
        RETURN_IF_ERROR(CheckMessage(inner, field_path));
      } else if (field->type() == FieldDescriptor::TYPE_STRING) {
        std::string scratch;
        const std::string& text = field->is_repeated()
                                      ? reflection.GetRepeatedStringReference(message, field, i, &scratch)
                                      : reflection.GetStringReference(message, field, &scratch);
        RETURN_IF_ERROR(CheckStorableText(text, field_path));
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ValueInvalid(absl::string_view field, absl::string_view why) {
  return MakeError(absl::StatusCode::kInvalidArgument, "VALUE_INVALID", absl::StrCat(field, " ", why), "",
                   {{"field", std::string(field)}});
}

absl::Status CheckStorableText(absl::string_view text, absl::string_view field) {
  if (!IsValidUtf8(text)) return ValueInvalid(field, "is not valid UTF-8");
  if (text.find('\0') != absl::string_view::npos) return ValueInvalid(field, "holds a NUL character");
  return absl::OkStatus();
}

absl::Status CheckStorable(const Message& message) { return CheckMessage(message, ""); }

absl::Status CheckStorable(absl::Span<const v1::Event> events) {
  for (const v1::Event& event : events) RETURN_IF_ERROR(CheckStorable(event));
  return absl::OkStatus();
}

google::protobuf::Timestamp RoundedTime(google::protobuf::Timestamp time) {
  time.set_nanos(time.nanos() - time.nanos() % kNanosPerMicrosecond);
  return time;
}

}  // namespace backup::server
