// SPDX-License-Identifier: Apache-2.0
#include "ctl/table.h"

#include <gtest/gtest.h>

#include "ctl/display_width.h"

namespace backup::ctl {
namespace {

using Align = Column::Align;

TEST(DisplayWidthTest, CountsCellsNotBytes) {
  EXPECT_EQ(DisplayWidth(""), 0);
  EXPECT_EQ(DisplayWidth("shop"), 4);
  EXPECT_EQ(DisplayWidth("grün"), 4);
  EXPECT_EQ(DisplayWidth("e\xcc\x81"), 1);  // With a combining accent.
  EXPECT_EQ(DisplayWidth("学校"), 4);
  EXPECT_EQ(DisplayWidth("🐘"), 2);
}

TEST(DisplayWidthTest, CutsBetweenCharacters) {
  EXPECT_EQ(CutToWidth("database", 8), "database");
  EXPECT_EQ(CutToWidth("database", 5), "data…");
  EXPECT_EQ(CutToWidth("grüner", 4), "grü…");
  EXPECT_EQ(CutToWidth("学校", 3), "学…");
  EXPECT_EQ(CutToWidth("学校", 2), "…");
}

TEST(TableTest, AlignsColumnsAndLeavesNoBlanksAtLineEnds) {
  const Table table{{{"NAME"}, {"SIZE", Align::kRight}, {"WHY"}}, {{"a", "1 B", "x"}, {"long", "12 MiB", ""}}};

  EXPECT_EQ(LayOut(table, {}),
            "NAME    SIZE  WHY\n"
            "a        1 B  x\n"
            "long  12 MiB  -\n");
}

TEST(TableTest, WithoutRowsPrintsNothing) { EXPECT_EQ(LayOut({{{"NAME"}}, {}}, {}), ""); }

TEST(TableTest, ShowsWideColumnsWhenAskedFor) {
  const Table table{{{"NAME"}, {"PATH", Align::kLeft, true}}, {{"a", "/x"}}};

  EXPECT_EQ(LayOut(table, {}), "NAME\na\n");
  EXPECT_EQ(LayOut(table, {.wide = true}), "NAME  PATH\na     /x\n");
}

TEST(TableTest, NarrowsTheWidestFlexibleColumnsFirst) {
  const Table table{{{"ID"}, {"DATABASE", Align::kLeft, false, true}, {"WHY", Align::kLeft, false, true}},
                    {{"123456", "db1/shop-of-all", "the server refused the login"}}};

  const std::string text = LayOut(table, {.columns = 40});

  EXPECT_EQ(text,
            "ID      DATABASE         WHY\n"
            "123456  db1/shop-of-all  the server ref…\n");
}

TEST(TableTest, KeepsRigidColumnsWhole) {
  const Table table{{{"ID"}, {"WHY", Align::kLeft, false, true}},
                    {{"20261123T210312Z-7k3m9q2x4d", "a reason of some length"}}};

  EXPECT_EQ(LayOut(table, {.columns = 20}),
            "ID                           WHY\n20261123T210312Z-7k3m9q2x4d  a reaso…\n");
}

TEST(TableTest, CleansWhatCellsHold) {
  const Table table{{{"NAME"}}, {{"a\x1b[31m\nb"}}};

  EXPECT_EQ(LayOut(table, {}), "NAME\na\\x1b[31m\\nb\n");
}

TEST(TableTest, ColoursOnlyWhenAsked) {
  const Table table{{{"STATE"}, {"X"}}, {{{"OK", Color::kGreen}, "y"}}};

  EXPECT_EQ(LayOut(table, {}), "STATE  X\nOK     y\n");
  EXPECT_EQ(LayOut(table, {.color = true}), "\x1b[2mSTATE\x1b[0m  \x1b[2mX\x1b[0m\n\x1b[32mOK\x1b[0m     y\n");
}

TEST(FactsTest, AlignsValues) {
  EXPECT_EQ(LayOutFacts({{"Run", "x"}, {"Database", ""}}, false, 2), "  Run:       x\n  Database:  -\n");
}

}  // namespace
}  // namespace backup::ctl
