// SPDX-License-Identifier: Apache-2.0
#include "server/log_level.h"

namespace backup::server {

const std::vector<std::string>& LogLevelNames() {
  static const auto* names = new std::vector<std::string>{"debug", "info", "warning", "error"};
  return *names;
}

std::optional<LogLevel> ParseLogLevel(absl::string_view name) {
  if (name == "debug") return LogLevel::kDebug;
  if (name == "info") return LogLevel::kInfo;
  if (name == "warning") return LogLevel::kWarning;
  if (name == "error") return LogLevel::kError;
  return std::nullopt;
}

}  // namespace backup::server
