// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace backup {

// `raw` as valid UTF-8 without control characters (C0, DEL, C1, line separators, and the marks that change the
// direction of text), at most `max_bytes` long: bad bytes become U+FFFD, control characters become visible escapes such
// as "\n",
// "\x1b" or "\u202e"; what is cut ends with an ellipsis. For everything from outside that people will see: names,
// stderr, reasons.
std::string CleanText(absl::string_view raw, size_t max_bytes = 4096);

// Whether `pattern` (`*` any characters, `?` any one byte; the rest literal) matches all of `text`. Takes at most
// |pattern| x |text| steps, never more.
bool GlobMatch(absl::string_view pattern, absl::string_view text);

// The member of `candidates` nearest to `word` by edit distance (a swap of neighbours counts once), at most 2 away (1
// for words under 4 bytes); else "".
std::string NearestWord(absl::string_view word, const std::vector<std::string>& candidates);

}  // namespace backup
