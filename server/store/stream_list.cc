// SPDX-License-Identifier: Apache-2.0
#include "server/store/stream_list.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

namespace backup::server {
namespace {

// "x.a, x.b" of columns a and b.
std::string Of(absl::string_view alias, const std::vector<std::string>& columns, absl::string_view suffix = "") {
  return absl::StrJoin(columns, ", ", [&](std::string* out, const std::string& column) {
    absl::StrAppend(out, alias, ".", column, suffix);
  });
}

}  // namespace

std::string StreamList::Add(const std::string& value) {
  params_.Text(value);
  return absl::StrCat("$", ++count_);
}

StreamList& StreamList::Scope(const std::string& column, const std::string& value) {
  absl::StrAppend(&scope_, " AND a.", column, " = ", Add(value));
  return *this;
}

StreamList& StreamList::Stream(const std::string& column, const std::vector<std::string>& values) {
  streams_.push_back(column);
  if (values.empty()) return *this;
  params_.TextArray(values);
  absl::StrAppend(&wanted_, " AND s.", column, " = ANY($", ++count_, "::text[])");
  return *this;
}

StreamList& StreamList::StreamWithout(const std::string& column, const std::string& value) {
  streams_.push_back(column);
  absl::StrAppend(&wanted_, " AND s.", column, " <> ", Add(value));
  return *this;
}

StreamList& StreamList::Order(const std::string& column, const std::string& type, const std::string& after) {
  order_.push_back(column);
  after_.push_back(absl::StrCat(Add(after), "::", type));
  return *this;
}

std::string StreamList::Sql(absl::string_view columns, int limit) const {
  const std::string same_stream = absl::StrJoin(streams_, "", [](std::string* out, const std::string& column) {
    absl::StrAppend(out, " AND a.", column, " = s.", column);
  });
  const absl::string_view direction = ascending_ ? " ASC" : " DESC";
  return absl::StrReplaceAll(
      "WITH RECURSIVE streams AS ("
      "(SELECT @a_streams FROM @table a WHERE true@scope ORDER BY @a_streams LIMIT 1) "
      "UNION ALL "
      "SELECT @n_streams FROM streams s CROSS JOIN LATERAL ("
      "SELECT @a_streams FROM @table a WHERE (@a_streams) > (@s_streams)@scope ORDER BY @a_streams LIMIT 1) n), "
      "page AS (SELECT @h_order FROM streams s CROSS JOIN LATERAL ("
      "SELECT @a_order FROM @table a WHERE (@a_order) @beyond (@after)@scope@same_stream "
      "ORDER BY @a_sorted LIMIT @limit) h "
      "WHERE true@wanted ORDER BY @h_sorted LIMIT @limit) "
      "SELECT @columns FROM page JOIN @table USING (@order) ORDER BY @page_sorted",
      {{"@table", table_},
       {"@scope", scope_},
       {"@a_streams", Of("a", streams_)},
       {"@n_streams", Of("n", streams_)},
       {"@s_streams", Of("s", streams_)},
       {"@same_stream", same_stream},
       {"@wanted", wanted_},
       {"@a_order", Of("a", order_)},
       {"@h_order", Of("h", order_)},
       {"@order", absl::StrJoin(order_, ", ")},
       {"@beyond", ascending_ ? ">" : "<"},
       {"@after", absl::StrJoin(after_, ", ")},
       {"@a_sorted", Of("a", order_, direction)},
       {"@h_sorted", Of("h", order_, direction)},
       {"@page_sorted", Of("page", order_, direction)},
       {"@limit", absl::StrCat(limit)},
       {"@columns", columns}});
}

}  // namespace backup::server
