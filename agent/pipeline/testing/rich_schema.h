// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace backup::agent::testing {

// SQL that fills a database with one of each kind of thing that a dump must bring back, with hostile names and
// contents. Tables with data: see kRichSchemaTableCount.
std::string RichSchema();
inline constexpr int kRichSchemaTableCount = 16;

}  // namespace backup::agent::testing
