// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pqxx/pqxx>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "server/store/page_token.h"
#include "server/store/row_reader.h"
#include "server/store/sql_params.h"
#include "server/store/transaction_executor.h"

namespace backup::server {

// Conditions of a WHERE clause with their values.
class Conditions {
 public:
  // `column = value`.
  void Equal(absl::string_view column, absl::string_view value);
  void NotEqual(absl::string_view column, absl::string_view value);
  // `column` is one of the values.
  void AnyOf(absl::string_view column, absl::Span<const std::string> values);
  void Less(absl::string_view column, int64_t value);
  void Greater(absl::string_view column, absl::string_view value);

  // " WHERE a AND b"; "" without conditions.
  std::string Where() const;
  const SqlParams& params() const { return params_; }

 private:
  void Add(absl::string_view left, absl::string_view right);

  std::string text_;
  int count_ = 0;
  SqlParams params_;
};

// Turns the rows of one page and the one beyond it, all read with LIMIT page.size + 1, into a page. The token holds
// column `key` of the last row, which is the list's order. Rows that cannot be read are logged and passed over; the
// page is shorter then.
template <typename T>
Page<T> MakePage(const pqxx::result& rows, int size, const std::string& scope, const char* key,
                 absl::StatusOr<T> (*decode)(const pqxx::row&)) {
  Page<T> page;
  for (int i = 0; i < size && i < static_cast<int>(rows.size()); ++i) {
    absl::StatusOr<T> item = decode(rows[i]);
    if (item.ok()) {
      page.items.push_back(*std::move(item));
    } else {
      LogInvalidRow(item.status());
    }
  }
  if (static_cast<int>(rows.size()) > size) page.next_token = MakePageToken(scope, rows[size - 1][key].c_str());
  return page;
}

}  // namespace backup::server
