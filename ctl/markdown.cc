// SPDX-License-Identifier: Apache-2.0
#include "ctl/markdown.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace backup::ctl {

std::string MarkdownText(absl::string_view text) {
  const std::string clean = CleanText(text);
  std::string out;
  for (size_t i = 0; i < clean.size(); ++i) {
    const char c = clean[i];
    const absl::string_view rest = absl::string_view(clean).substr(i);
    switch (c) {
      case '&':
        out += "&amp;";
        continue;
      case '<':
        out += "&lt;";
        continue;
      case '>':
        out += "&gt;";
        continue;
      default:
        break;
    }
    const bool is_markup = absl::string_view("\\`*_[]|#~!$").find(c) != absl::string_view::npos;
    // A bare address becomes a link by itself.
    const bool is_scheme = absl::StartsWith(rest, "://");
    const bool is_host = c == '.' && absl::EndsWithIgnoreCase(absl::string_view(clean).substr(0, i), "www");
    if (is_markup || is_scheme || is_host) out += '\\';
    out += c;
  }
  return out;
}

std::string MarkdownTable(const std::vector<MarkdownColumn>& columns,
                          const std::vector<std::vector<std::string>>& rows) {
  std::string out = "|";
  for (const MarkdownColumn& column : columns) absl::StrAppend(&out, " ", column.title, " |");
  absl::StrAppend(&out, "\n|");
  for (const MarkdownColumn& column : columns) absl::StrAppend(&out, column.is_number ? "---:|" : "---|");
  absl::StrAppend(&out, "\n");
  for (const std::vector<std::string>& row : rows) {
    absl::StrAppend(&out, "|");
    for (const std::string& cell : row) absl::StrAppend(&out, " ", cell.empty() ? "-" : cell, " |");
    absl::StrAppend(&out, "\n");
  }
  return out;
}

}  // namespace backup::ctl
