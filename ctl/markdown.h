// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace backup::ctl {

// Markdown (GitHub's dialect of CommonMark) with names and reasons from outside in it.

// `text` so that it reads as itself wherever a line does not begin with it: cleaned, in one line, and nothing in it is
// markup, HTML, a link, or the end of a table's cell. Empty text stays empty.
std::string MarkdownText(absl::string_view text);

// A table. Titles and cells are Markdown already; empty cells read "-". Every row has a cell for every column.
struct MarkdownColumn {
  std::string title;
  bool is_number = false;  // To the right.
};
std::string MarkdownTable(const std::vector<MarkdownColumn>& columns,
                          const std::vector<std::vector<std::string>>& rows);

}  // namespace backup::ctl
