// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <google/protobuf/message.h>

#include <nlohmann/json.hpp>
#include <string>

namespace backup::ctl {

// Protobuf JSON of a message as a tree, in the order of its fields; the keys of maps are sorted, so that equal messages
// give equal trees.
nlohmann::ordered_json JsonTree(const google::protobuf::Message& message);

// JSON text in which no byte can steer a terminal: control and direction characters are \u escapes.
std::string JsonText(const nlohmann::ordered_json& value, bool indent);

}  // namespace backup::ctl
