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
#include "server/store/stream_list.h"
#include "server/store/transaction_executor.h"
#include "server/store/write_rules.h"

namespace backup::server {

// Conditions of a WHERE clause with their values.
class Conditions {
 public:
  // `column = value`.
  void Equal(absl::string_view column, absl::string_view value);
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

// Turns the rows of one page and the one beyond it, all read with LIMIT page.size + 1, into a page. `token` makes the
// token of the page after a row. Rows that cannot be read are logged and passed over; the page is shorter then.
template <typename T, typename Token>
Page<T> MakePage(const pqxx::result& rows, int size, absl::StatusOr<T> (*decode)(const pqxx::row&),
                 const Token& token) {
  Page<T> page;
  for (int i = 0; i < size && i < static_cast<int>(rows.size()); ++i) {
    absl::StatusOr<T> item = decode(rows[i]);
    if (item.ok()) {
      page.items.push_back(*std::move(item));
    } else {
      LogInvalidRow(item.status());
    }
  }
  if (static_cast<int>(rows.size()) > size) page.next_token = token(rows[size - 1]);
  return page;
}

// The same with a token that holds column `key`, which is the list's order.
template <typename T>
Page<T> MakePage(const pqxx::result& rows, int size, const std::string& scope, const char* key,
                 absl::StatusOr<T> (*decode)(const pqxx::row&)) {
  return MakePage(rows, size, decode, [&](const pqxx::row& row) { return MakePageToken(scope, row[key].c_str()); });
}

// Narrows a list to the policy, agent and database of a filter, by the index that fits: columns policy, agent and
// database, those that are not given before the streams. False when no row can match.
template <typename Filter>
bool AddListScope(const Filter& filter, StreamList* list) {
  if (!filter.database().empty()) {
    if (!filter.agent().empty() && AgentOfDatabase(filter.database()) != filter.agent()) return false;
    list->Scope("database", filter.database());
  } else if (!filter.agent().empty()) {
    list->Scope("agent", filter.agent());
  }
  if (!filter.policy().empty()) {
    list->Scope("policy", filter.policy());
  } else if (!filter.database().empty() || !filter.agent().empty()) {
    list->Stream("policy", {});
  }
  return true;
}

}  // namespace backup::server
