// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/text_name.h"

#include "absl/strings/str_format.h"
#include "base/utf8.h"

namespace backup::agent {

std::string NameToUtf8(absl::string_view raw) {
  if (IsValidUtf8(raw)) {
    return std::string(raw);
  }
  std::string text;
  size_t position = 0;
  while (position < raw.size()) {
    const size_t begin = position;
    if (NextCodePoint(raw, &position) >= 0) {
      text.append(raw.data() + begin, position - begin);
    } else {
      absl::StrAppendFormat(&text, "\\x%02x", static_cast<unsigned char>(raw[begin]));
    }
  }
  return text;
}

}  // namespace backup::agent
