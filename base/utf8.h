// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace backup {

// UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.

// The code point at `*position` (which must be inside `text`), moving past it; -1 for a byte that begins none, moving
// by that one byte.
int32_t NextCodePoint(absl::string_view text, size_t* position);

bool IsValidUtf8(absl::string_view text);

// `raw` with each bad byte replaced by U+FFFD, cut at a whole character to at most `max_bytes`.
std::string ToValidUtf8(absl::string_view raw, size_t max_bytes);

// True for what must not reach a terminal or a log as it is: C0, DEL, C1, line and paragraph separators, and the marks
// that change the direction of text.
bool IsControl(int32_t code_point);

}  // namespace backup
