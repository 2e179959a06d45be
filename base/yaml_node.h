// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/strict_yaml.h"

namespace backup {

// What a YamlNode holds. Only for the files that implement strict_yaml.h.
struct YamlNode::Rep {
  Kind kind = Kind::kNull;
  std::string text;
  bool quoted = false;
  SourcePosition position;
  SourcePosition key_position;
  std::vector<YamlNode> items;
  std::vector<std::pair<std::string, YamlNode>> entries;
};

// INVALID_ARGUMENT YAML_INVALID "FILE:LINE:COLUMN: why", with the place in its metadata; `field` may be empty.
absl::Status YamlError(absl::string_view file, SourcePosition position, absl::string_view field, absl::string_view why,
                       absl::string_view hint);

}  // namespace backup
