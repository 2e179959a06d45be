// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace backup::agent {

// A possibly qualified name of SQL, taken apart. Raw bytes, unquoted.
struct QualifiedName {
  std::string schema;  // "" when not qualified.
  std::string name;
};

// Takes an identifier from the front of `text`: quoted (`""` stands for one quote), or as PostgreSQL writes it without
// quotes. False, and `text` as it was, when there is none.
bool ConsumeIdentifier(absl::string_view* text, std::string* identifier);

// The name in double quotes.
std::string QuoteName(absl::string_view name);

// The text as a literal that means the same whatever standard_conforming_strings says.
std::string QuoteText(absl::string_view text);

// Takes `name` or `schema.name`.
bool ConsumeQualifiedName(absl::string_view* text, QualifiedName* name);

// Takes a string literal: '...' with `''` for one quote, E'...' with backslash escapes of quotes and backslashes.
bool ConsumeStringLiteral(absl::string_view* text, bool standard_conforming_strings, std::string* value);

}  // namespace backup::agent
