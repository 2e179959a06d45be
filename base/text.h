// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace backup {

// `raw` as valid UTF-8 without control characters (C0, DEL, C1, and the bidirectional overrides U+202A–U+202E,
// U+2066–U+2069), at most `max_bytes` long: bad bytes become U+FFFD, control characters become visible escapes such as
// "\n", "\x1b" or "\u202e". For everything from outside that people will see: names, stderr, reasons.
std::string CleanText(absl::string_view raw, size_t max_bytes = 4096);

// Whether `pattern` (`*` any characters, `?` any one byte; the rest literal) matches all of `text`. Linear time.
bool GlobMatch(absl::string_view pattern, absl::string_view text);

// The member of `candidates` nearest to `word` by edit distance, at most 2 away (1 for words under 4 bytes); else "".
std::string NearestWord(absl::string_view word, const std::vector<std::string>& candidates);

}  // namespace backup
