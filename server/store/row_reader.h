// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <google/protobuf/message.h>
#include <google/protobuf/timestamp.pb.h>

#include <cstdint>
#include <pqxx/pqxx>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace backup::server {

// Reads the columns of one row, distrusting each: somebody may have changed the catalog by hand. What is wrong first is
// kept; later reads give empty values. Columns must exist.
class RowReader {
 public:
  // `table` names the table for the message; column "name" or "sequence" is the row's key there.
  RowReader(const pqxx::row& row, absl::string_view table) : row_(row), table_(table) {}

  std::string Text(const char* column);                  // Not NULL.
  int64_t Int(const char* column);                       // Not NULL.
  int64_t Count(const char* column);                     // Not NULL, not negative.
  bool Bool(const char* column);                         // Not NULL.
  google::protobuf::Timestamp Time(const char* column);  // Not NULL, finite.
  // False, and `time` as it was, when NULL.
  bool OptionalTime(const char* column, google::protobuf::Timestamp* time);
  // The same for a time that was worked out from rows of another table: one that is none of ours counts as NULL, since
  // what is wrong there is not wrong here.
  bool DerivedTime(const char* column, google::protobuf::Timestamp* time);
  // Protobuf JSON; clears `message` first.
  void Json(const char* column, google::protobuf::Message* message);
  // Name of an enum's value other than its zero.
  template <typename E>
  E Enum(const char* column, bool (*parse)(const std::string&, E*)) {
    E value = static_cast<E>(0);
    const std::string text = Text(column);
    if (ok() && (!parse(text, &value) || value == static_cast<E>(0))) Fail(column, "is not known: " + text);
    return value;
  }

  // What status() would be after this was found.
  absl::Status Invalid(const char* column, const std::string& why) {
    Fail(column, why);
    return status_;
  }

  bool ok() const { return status_.ok(); }
  // INTERNAL CATALOG_ROW_INVALID with table, key, column and what is wrong.
  const absl::Status& status() const { return status_; }

 private:
  void Fail(const char* column, const std::string& why);

  const pqxx::row& row_;
  const absl::string_view table_;
  absl::Status status_;
};

void LogInvalidRow(const absl::Status& status);

// Decodes every row; those that cannot be read are logged as errors and left out.
template <typename T>
std::vector<T> DecodeRows(const pqxx::result& rows, absl::StatusOr<T> (*decode)(const pqxx::row&)) {
  std::vector<T> items;
  items.reserve(rows.size());
  for (const pqxx::row& row : rows) {
    absl::StatusOr<T> item = decode(row);
    if (item.ok()) {
      items.push_back(*std::move(item));
    } else {
      LogInvalidRow(item.status());
    }
  }
  return items;
}

}  // namespace backup::server
