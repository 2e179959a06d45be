// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/log.h"

namespace backup::server {

// Names of log levels, from the most talkative on: debug, info, warning, error.
const std::vector<std::string>& LogLevelNames();
// Nothing for another word.
std::optional<LogLevel> ParseLogLevel(absl::string_view name);

}  // namespace backup::server
