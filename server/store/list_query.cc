// SPDX-License-Identifier: Apache-2.0
#include "server/store/list_query.h"

namespace backup::server {

void Conditions::Add(absl::string_view left, absl::string_view right) {
  absl::StrAppend(&text_, text_.empty() ? " WHERE " : " AND ", left, "$", ++count_, right);
}

void Conditions::Equal(absl::string_view column, absl::string_view value) {
  params_.Text(value);
  Add(absl::StrCat(column, " = "), "");
}

void Conditions::NotEqual(absl::string_view column, absl::string_view value) {
  params_.Text(value);
  Add(absl::StrCat(column, " <> "), "");
}

void Conditions::AnyOf(absl::string_view column, absl::Span<const std::string> values) {
  // One value by itself lets an index give the order too.
  if (values.size() == 1) return Equal(column, values[0]);
  params_.TextArray(values);
  Add(absl::StrCat(column, " = ANY("), "::text[])");
}

void Conditions::Less(absl::string_view column, int64_t value) {
  params_.Int(value);
  Add(absl::StrCat(column, " < "), "");
}

void Conditions::Greater(absl::string_view column, absl::string_view value) {
  params_.Text(value);
  Add(absl::StrCat(column, " > "), "");
}

std::string Conditions::Where() const { return text_; }

}  // namespace backup::server
