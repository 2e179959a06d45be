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
