// SPDX-License-Identifier: Apache-2.0
#include "ctl/short_name.h"

#include <algorithm>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/resource_name.h"

namespace backup::ctl {

std::string ShortName(absl::string_view name) {
  if (const absl::StatusOr<DatabaseId> id = ParseDatabaseName(name); id.ok()) {
    return absl::StrCat(id->agent, "/", id->database);
  }
  const size_t slash = name.find('/');
  if (slash == absl::string_view::npos || name.find('/', slash + 1) != absl::string_view::npos) {
    return std::string(name);
  }
  return std::string(name.substr(slash + 1));
}

std::string FullName(absl::string_view collection, absl::string_view word) {
  const std::string prefix = absl::StrCat(collection, "/");
  return absl::StartsWith(word, prefix) ? std::string(word) : absl::StrCat(prefix, word);
}

std::string ShellWord(absl::string_view word) {
  const bool plain = !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
    return absl::ascii_isalnum(c) || c == '/' || c == '.' || c == '_' || c == '-' || c == ':' || c == '%' || c == '@' ||
           c == '=';
  });
  if (plain) return std::string(word);
  return absl::StrCat("'", absl::StrReplaceAll(word, {{"'", "'\\''"}}), "'");
}

}  // namespace backup::ctl
