// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace backup::ctl {

// Character cells that a terminal needs for `text` (valid UTF-8 without control characters): combining marks none, wide
// East Asian characters and pictographs two.
int DisplayWidth(absl::string_view text);

// `text`, or as much of it as fits into `width` cells with "…" at its end.
std::string CutToWidth(absl::string_view text, int width);

}  // namespace backup::ctl
