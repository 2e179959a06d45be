// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/status/status.h"

namespace backup::server {

// An error for people on a terminal: "error: ...", "reason: ...", "hint: ...", a line each.
std::string ErrorText(const absl::Status& status);

}  // namespace backup::server
