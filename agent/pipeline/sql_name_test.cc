// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/sql_name.h"

#include <gtest/gtest.h>

#include "agent/pipeline/text_name.h"

namespace backup::agent {
namespace {

TEST(SqlNameTest, TakesQualifiedNames) {
  struct {
    const char* text;
    const char* schema;
    const char* name;
    const char* rest;
  } cases[] = {{"public.film (id)", "public", "film", " (id)"},
               {"film;", "", "film", ";"},
               {"\"My Schema\".\"a\"\"b.c\" (", "My Schema", "a\"b.c", " ("},
               {"public.\"new\nline\"", "public", "new\nline", ""},
               {"b\xc4\xb1g.x$1", "b\xc4\xb1g", "x$1", ""}};
  for (const auto& entry : cases) {
    absl::string_view text = entry.text;
    QualifiedName name;
    ASSERT_TRUE(ConsumeQualifiedName(&text, &name)) << entry.text;
    EXPECT_EQ(name.schema, entry.schema);
    EXPECT_EQ(name.name, entry.name);
    EXPECT_EQ(text, entry.rest);
  }
}

TEST(SqlNameTest, LeavesOtherTextAlone) {
  for (absl::string_view text : {"", "1a", "\"open", "\"\"", "a.", "a.1", ".b", "'a'"}) {
    const absl::string_view before = text;
    QualifiedName name;
    EXPECT_FALSE(ConsumeQualifiedName(&text, &name)) << before;
    EXPECT_EQ(text, before);
  }
}

TEST(SqlNameTest, TakesStringLiterals) {
  std::string value;
  absl::string_view text = "'public.\"it''s\"', 1";
  ASSERT_TRUE(ConsumeStringLiteral(&text, true, &value));
  EXPECT_EQ(value, "public.\"it's\"");
  EXPECT_EQ(text, ", 1");
  text = "E'a\\\\b\\'c' x";
  ASSERT_TRUE(ConsumeStringLiteral(&text, true, &value));
  EXPECT_EQ(value, "a\\b'c");
  text = "'a\\\\b'";
  ASSERT_TRUE(ConsumeStringLiteral(&text, false, &value));
  EXPECT_EQ(value, "a\\b");
  text = "'open";
  EXPECT_FALSE(ConsumeStringLiteral(&text, true, &value));
}

TEST(TextNameTest, KeepsUtf8AndShowsOtherBytes) {
  EXPECT_EQ(NameToUtf8("caf\xc3\xa9\n"), "caf\xc3\xa9\n");
  EXPECT_EQ(NameToUtf8("caf\xe9 \xc3\xa9"), "caf\\xe9 \xc3\xa9");
}

}  // namespace
}  // namespace backup::agent
