// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace backup::ctl {

// The difference of two texts as `diff -u` writes it, with three lines of context; "" when they are equal. Meant for
// texts of up to some thousand lines: time and memory grow with the product of their lengths.
std::string UnifiedDiff(absl::string_view old_text, absl::string_view new_text, absl::string_view old_label,
                        absl::string_view new_label);

}  // namespace backup::ctl
