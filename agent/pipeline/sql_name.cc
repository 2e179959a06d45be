// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/sql_name.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"

namespace backup::agent {
namespace {

bool IsFirstByte(char c) { return absl::ascii_isalpha(c) || c == '_' || static_cast<unsigned char>(c) >= 0x80; }
bool IsLaterByte(char c) { return IsFirstByte(c) || absl::ascii_isdigit(c) || c == '$'; }

}  // namespace

bool ConsumeIdentifier(absl::string_view* text, std::string* identifier) {
  absl::string_view rest = *text;
  std::string value;
  if (absl::ConsumePrefix(&rest, "\"")) {
    while (true) {
      const size_t quote = rest.find('"');
      if (quote == absl::string_view::npos) {
        return false;
      }
      value.append(rest.data(), quote);
      rest.remove_prefix(quote + 1);
      if (!absl::ConsumePrefix(&rest, "\"")) {
        break;
      }
      value += '"';
    }
  } else {
    size_t length = 0;
    while (length < rest.size() && (length == 0 ? IsFirstByte(rest[0]) : IsLaterByte(rest[length]))) {
      ++length;
    }
    value.assign(rest.data(), length);
    rest.remove_prefix(length);
  }
  if (value.empty()) {
    return false;
  }
  *identifier = std::move(value);
  *text = rest;
  return true;
}

bool ConsumeQualifiedName(absl::string_view* text, QualifiedName* name) {
  absl::string_view rest = *text;
  std::string first;
  if (!ConsumeIdentifier(&rest, &first)) {
    return false;
  }
  if (!absl::ConsumePrefix(&rest, ".")) {
    *name = {"", std::move(first)};
  } else {
    std::string second;
    if (!ConsumeIdentifier(&rest, &second)) {
      return false;
    }
    *name = {std::move(first), std::move(second)};
  }
  *text = rest;
  return true;
}

bool ConsumeStringLiteral(absl::string_view* text, bool standard_conforming_strings, std::string* value) {
  absl::string_view rest = *text;
  const bool escapes = absl::ConsumePrefix(&rest, "E") || !standard_conforming_strings;
  if (!absl::ConsumePrefix(&rest, "'")) {
    return false;
  }
  value->clear();
  while (!rest.empty()) {
    const char c = rest.front();
    rest.remove_prefix(1);
    if (c == '\'' && !absl::ConsumePrefix(&rest, "'")) {
      *text = rest;
      return true;
    }
    if (c == '\\' && escapes) {
      if (rest.empty()) {
        return false;
      }
      *value += rest.front();
      rest.remove_prefix(1);
      continue;
    }
    *value += c;
  }
  return false;
}

std::string QuoteName(absl::string_view name) {
  return absl::StrCat("\"", absl::StrReplaceAll(name, {{"\"", "\"\""}}), "\"");
}

std::string QuoteText(absl::string_view text) {
  return absl::StrCat("E'", absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"'", "''"}}), "'");
}

}  // namespace backup::agent
