// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pqxx/pqxx>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "server/store/sql_params.h"

namespace backup::server {

// One way to read a page of a large table in its order, as fast for a filter that a handful of rows among millions
// match as for none. An index whose columns are those of `scope`, then of `streams`, then of `order` holds one stream
// of rows, in the list's order, for each combination of values of the stream columns. The combinations that exist are
// found by skipping through that index; the page is merged from the heads of the wanted streams. So no row is read that
// does not belong to the page or to the one head behind it of each stream, whatever the statistics say. Such a table
// may have few values in its stream columns.
class StreamList {
 public:
  // Pages run from the greatest row to the least, or from the least to the greatest.
  explicit StreamList(std::string table, bool ascending = false) : table_(std::move(table)), ascending_(ascending) {}

  // `column = value`; leading columns of the index.
  StreamList& Scope(const std::string& column, const std::string& value);
  // A column of the streams: only these values of it, all when empty.
  StreamList& Stream(const std::string& column, const std::vector<std::string>& values);
  // The same with all values but one.
  StreamList& StreamWithout(const std::string& column, const std::string& value);
  // A column of the order with its type. Only rows that come after `after`, of all columns together.
  StreamList& Order(const std::string& column, const std::string& type, const std::string& after);

  // Statement that gives `columns` of the first `limit` rows, which `sequence` tells apart.
  std::string Sql(absl::string_view columns, int limit) const;
  const SqlParams& params() const { return params_; }

 private:
  // The parameter's place in the statement.
  std::string Add(const std::string& value);

  const std::string table_;
  const bool ascending_;
  SqlParams params_;
  int count_ = 0;
  std::string scope_;                 // " AND a.policy = $1": `a` is the table.
  std::vector<std::string> streams_;  // Columns.
  std::string wanted_;                // " AND s.state = ANY($2)": `s` is the stream.
  std::vector<std::string> order_;    // Columns.
  std::vector<std::string> after_;    // One for each, with its type.
};

}  // namespace backup::server
