// SPDX-License-Identifier: Apache-2.0
#include "ctl/table.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "ctl/display_width.h"

namespace backup::ctl {
namespace {

constexpr int kGap = 2;
// A flexible column gives way down to this.
constexpr int kLeastWidth = 8;

const char* Sequence(Color color) {
  switch (color) {
    case Color::kRed:
      return "\x1b[31m";
    case Color::kGreen:
      return "\x1b[32m";
    case Color::kYellow:
      return "\x1b[33m";
    case Color::kBlue:
      return "\x1b[34m";
    case Color::kDim:
      return "\x1b[2m";
    case Color::kBold:
      return "\x1b[1m";
    case Color::kNone:
      break;
  }
  return "";
}

std::string Shown(const Cell& cell) {
  std::string text = CleanText(cell.text);
  return text.empty() ? "-" : text;
}

// Widths of all columns, flexible ones narrowed (the widest first) until the line fits.
std::vector<int> Widths(const std::vector<Column>& columns, const std::vector<std::vector<std::string>>& rows,
                        const TableLayout& layout) {
  std::vector<int> widths;
  int total = layout.indent;
  for (size_t i = 0; i < columns.size(); ++i) {
    int width = DisplayWidth(columns[i].title);
    for (const auto& row : rows) width = std::max(width, DisplayWidth(row[i]));
    widths.push_back(width);
    total += width + (i > 0 ? kGap : 0);
  }
  while (layout.columns && total > *layout.columns) {
    int widest = -1;
    for (size_t i = 0; i < columns.size(); ++i) {
      const int least = std::max(kLeastWidth, DisplayWidth(columns[i].title));
      if (!columns[i].flexible || widths[i] <= least) continue;
      if (widest < 0 || widths[i] > widths[widest]) widest = static_cast<int>(i);
    }
    if (widest < 0) break;
    --widths[widest];
    --total;
  }
  return widths;
}

}  // namespace

std::string Colored(absl::string_view text, Color color) {
  if (color == Color::kNone || text.empty()) return std::string(text);
  return absl::StrCat(Sequence(color), text, "\x1b[0m");
}

std::string LayOut(const Table& table, const TableLayout& layout) {
  if (table.rows.empty()) return "";
  std::vector<size_t> shown;  // Indices of the columns to show.
  std::vector<Column> columns;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    if (table.columns[i].wide && !layout.wide) continue;
    shown.push_back(i);
    columns.push_back(table.columns[i]);
  }
  std::vector<std::vector<std::string>> texts;
  for (const auto& row : table.rows) {
    texts.emplace_back();
    for (size_t i : shown) texts.back().push_back(Shown(row[i]));
  }
  const std::vector<int> widths = Widths(columns, texts, layout);

  std::string out;
  const auto add_line = [&](const std::vector<std::string>& cells, const std::vector<Color>& colors) {
    std::string line(layout.indent, ' ');
    for (size_t i = 0; i < cells.size(); ++i) {
      const std::string text = CutToWidth(cells[i], widths[i]);
      const std::string padding(widths[i] - DisplayWidth(text), ' ');
      const std::string painted = layout.color ? Colored(text, colors[i]) : text;
      const bool last = i + 1 == cells.size();
      if (columns[i].align == Column::Align::kRight) {
        absl::StrAppend(&line, padding, painted, last ? "" : std::string(kGap, ' '));
      } else {
        absl::StrAppend(&line, painted, last ? "" : padding + std::string(kGap, ' '));
      }
    }
    absl::StrAppend(&out, line, "\n");
  };

  std::vector<std::string> titles;
  for (const Column& column : columns) titles.push_back(column.title);
  add_line(titles, std::vector<Color>(titles.size(), Color::kDim));
  for (size_t r = 0; r < texts.size(); ++r) {
    std::vector<Color> colors;
    for (size_t i : shown) colors.push_back(table.rows[r][i].text.empty() ? Color::kNone : table.rows[r][i].color);
    add_line(texts[r], colors);
  }
  return out;
}

std::string LayOutFacts(const std::vector<Fact>& facts, bool color, int indent) {
  int width = 0;
  for (const Fact& fact : facts) width = std::max(width, DisplayWidth(fact.name));
  std::string out;
  for (const Fact& fact : facts) {
    const std::string padding(width - DisplayWidth(fact.name) + kGap, ' ');
    const std::string value = Shown(fact.value);
    absl::StrAppend(&out, std::string(indent, ' '), color ? Colored(fact.name + ":", Color::kDim) : fact.name + ":",
                    padding, color ? Colored(value, fact.value.color) : value, "\n");
  }
  return out;
}

}  // namespace backup::ctl
