// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/testing/directory.h"

#include <algorithm>
#include <filesystem>

namespace backup::agent::testing {

std::vector<std::string> NamesIn(const std::string& path) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(path, error)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

int OpenDescriptorCount() { return static_cast<int>(NamesIn("/proc/self/fd").size()); }

}  // namespace backup::agent::testing
