// SPDX-License-Identifier: Apache-2.0
#include "server/store/sql_params.h"

#include "absl/strings/str_cat.h"
#include "base/proto_json.h"

namespace backup::server {
namespace {

// What a timestamptz and the SQL text of absl both can hold.
const absl::Time kEndOfTime = absl::FromUnixSeconds(253402300800);  // 10000-01-01T00:00:00Z
const absl::Time kFirstTime = absl::FromUnixSeconds(-62135596800);  // 0001-01-01T00:00:00Z

}  // namespace

SqlParams& SqlParams::Add(std::string value) {
  texts_.emplace_back(std::move(value));
  return *this;
}

std::vector<const char*> SqlParams::values() const {
  std::vector<const char*> values;
  for (const std::optional<std::string>& text : texts_) values.push_back(text.has_value() ? text->c_str() : nullptr);
  return values;
}

SqlParams& SqlParams::Text(absl::string_view value) { return Add(std::string(value)); }
SqlParams& SqlParams::Int(int64_t value) { return Add(absl::StrCat(value)); }
SqlParams& SqlParams::Bool(bool value) { return Add(value ? "t" : "f"); }
SqlParams& SqlParams::Time(absl::Time value) { return Add(TimeText(value)); }
SqlParams& SqlParams::Time(const google::protobuf::Timestamp& value) { return Add(TimeText(ToAbsl(value))); }

SqlParams& SqlParams::Null() {
  texts_.emplace_back();
  return *this;
}

SqlParams& SqlParams::TextArray(absl::Span<const std::string> values) {
  std::string array = "{";
  for (const std::string& value : values) {
    array += array.size() > 1 ? ",\"" : "\"";
    for (const char c : value) {
      if (c == '"' || c == '\\') array += '\\';
      array += c;
    }
    array += '"';
  }
  return Add(array + "}");
}

std::string SqlParams::TimeText(absl::Time value) {
  if (value >= kEndOfTime) return "infinity";
  if (value < kFirstTime) return "-infinity";
  const absl::Time whole = absl::FromUnixMicros(absl::ToUnixMicros(value));
  return absl::FormatTime("%E4Y-%m-%d %H:%M:%E6S+00", whole, absl::UTCTimeZone());
}

}  // namespace backup::server
