// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace backup::ctl {

// A tree as YAML in block style, keys in their order, two spaces to a level. Strings stand bare only where every YAML
// reader takes them for the same string; others are double-quoted, with control and direction characters as escapes.
// Lists of scalars stand on one line. Nulls are written as such.
std::string ToYaml(const nlohmann::ordered_json& value);

}  // namespace backup::ctl
