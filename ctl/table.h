// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace backup::ctl {

enum class Color { kNone, kRed, kGreen, kYellow, kBlue, kDim, kBold };

// `text` between the escape sequences of a colour; as it is for kNone.
std::string Colored(absl::string_view text, Color color);

struct Column {
  enum class Align { kLeft, kRight };
  std::string title;  // Upper case.
  Align align = Align::kLeft;
  // Shown with -o wide only.
  bool wide = false;
  // May be cut with "…" when the table is wider than the terminal.
  bool flexible = false;
};

struct Cell {
  // Implicit, so that rows can be written as lists of strings.
  // NOLINTBEGIN(google-explicit-constructor)
  Cell(std::string t, Color c = Color::kNone) : text(std::move(t)), color(c) {}
  Cell(const char* t, Color c = Color::kNone) : text(t), color(c) {}
  // NOLINTEND(google-explicit-constructor)
  std::string text;  // Cleaned when the table is laid out; empty shows as "-".
  Color color = Color::kNone;
};

// Columns and rows, to be laid out. Every row has a cell for every column.
struct Table {
  std::vector<Column> columns;
  std::vector<std::vector<Cell>> rows;
};

struct TableLayout {
  bool wide = false;
  bool color = false;
  // Lines are at most this long as far as flexible columns give way; nothing: no limit.
  std::optional<int> columns;
  // Spaces before each line.
  int indent = 0;
};

// Title line and rows, columns two spaces apart, no spaces at line ends. A table without rows gives "".
std::string LayOut(const Table& table, const TableLayout& layout);

// Names and values, one to a line, the values aligned.
struct Fact {
  std::string name;
  Cell value;
};
std::string LayOutFacts(const std::vector<Fact>& facts, bool color, int indent = 0);

}  // namespace backup::ctl
