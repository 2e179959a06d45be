// SPDX-License-Identifier: Apache-2.0
#include "server/store/row_reader.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/errors.h"
#include "base/log.h"
#include "base/proto_json.h"
#include "base/text.h"

namespace backup::server {
namespace {

constexpr size_t kMaxShownBytes = 200;
constexpr int64_t kFirstSecond = -62135596800;  // 0001-01-01T00:00:00Z
constexpr int64_t kLastSecond = 253402300799;   // 9999-12-31T23:59:59Z

// The row's name or number, if it has one to show.
std::string KeyOf(const pqxx::row& row) {
  for (const std::string wanted : {"name", "sequence"}) {
    const auto field = std::find_if(row.begin(), row.end(), [&](const auto& f) { return wanted == f.name(); });
    if (field != row.end()) return field->is_null() ? "NULL" : field->c_str();
  }
  return "?";
}

bool ParseSqlTime(const std::string& text, google::protobuf::Timestamp* time) {
  absl::Time parsed;
  std::string error;
  if (!absl::ParseTime("%Y-%m-%d %H:%M:%E*S%Ez", text, &parsed, &error)) return false;
  // PostgreSQL knows more years than a Timestamp does.
  const int64_t seconds = absl::ToUnixSeconds(parsed);
  if (seconds < kFirstSecond || seconds > kLastSecond) return false;
  time->set_seconds(seconds);
  time->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(parsed - absl::FromUnixSeconds(seconds))));
  return true;
}

}  // namespace

void RowReader::Fail(const char* column, const std::string& why) {
  if (!status_.ok()) return;
  const std::string key = CleanText(KeyOf(row_), kMaxShownBytes);
  status_ = MakeError(absl::StatusCode::kInternal, "CATALOG_ROW_INVALID",
                      absl::StrCat("the catalog's row ", key, " of table ", table_, " cannot be read: ", column, " ",
                                   CleanText(why, kMaxShownBytes)),
                      "somebody changed the catalog by hand: put the row right",
                      {{"table", std::string(table_)}, {"row", key}});
}

std::string RowReader::Text(const char* column) {
  if (!ok()) return "";
  const pqxx::field field = row_[column];
  if (field.is_null()) {
    Fail(column, "is NULL");
    return "";
  }
  return std::string(field.c_str(), field.size());
}

int64_t RowReader::Int(const char* column) {
  const std::string text = Text(column);
  int64_t value = 0;
  if (ok() && !absl::SimpleAtoi(text, &value)) Fail(column, "is no integer: " + text);
  return value;
}

int64_t RowReader::Count(const char* column) {
  const int64_t value = Int(column);
  if (value < 0) Fail(column, absl::StrCat("is negative: ", value));
  return value;
}

bool RowReader::Bool(const char* column) { return Text(column) == "t"; }

google::protobuf::Timestamp RowReader::Time(const char* column) {
  const std::string text = Text(column);
  google::protobuf::Timestamp time;
  if (ok() && !ParseSqlTime(text, &time)) Fail(column, "is no time of ours: " + text);
  return time;
}

bool RowReader::DerivedTime(const char* column, google::protobuf::Timestamp* time) {
  return ok() && !row_[column].is_null() && ParseSqlTime(row_[column].c_str(), time);
}

bool RowReader::OptionalTime(const char* column, google::protobuf::Timestamp* time) {
  if (!ok() || row_[column].is_null()) return false;
  *time = Time(column);
  return true;
}

void RowReader::Json(const char* column, google::protobuf::Message* message) {
  message->Clear();
  const std::string text = Text(column);
  if (!ok()) return;
  if (const absl::Status parsed = FromJson(text, message); !parsed.ok()) {
    message->Clear();
    Fail(column, std::string(parsed.message()));
  }
}

void LogInvalidRow(const absl::Status& status) {
  LogError("a row of the catalog was passed over", {{"error", status}});
}

}  // namespace backup::server
