// SPDX-License-Identifier: Apache-2.0
#include "ctl/json_tree.h"

#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "base/proto_json.h"

namespace backup::ctl {
namespace {

using Json = nlohmann::ordered_json;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

void SortKeys(Json& object) {
  std::map<std::string, Json> sorted;
  for (auto& [key, value] : object.items()) sorted.emplace(key, std::move(value));
  object = Json::object();
  for (auto& [key, value] : sorted) object[key] = std::move(value);
}

// Sorts the maps of `message` in its JSON `tree`; protobuf writes them in an order that changes from run to run.
void SortMaps(const Message& message, Json& tree) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const auto it = tree.find(field->json_name());
    if (it == tree.end() || field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (field->is_map()) {
      if (it->is_object()) SortKeys(*it);
    } else if (field->is_repeated()) {
      const int size = message.GetReflection()->FieldSize(message, field);
      for (int i = 0; i < size && it->is_array() && (*it)[i].is_object(); ++i) {
        SortMaps(message.GetReflection()->GetRepeatedMessage(message, field, i), (*it)[i]);
      }
    } else if (it->is_object()) {
      SortMaps(message.GetReflection()->GetMessage(message, field), *it);
    }
  }
}

// C1 controls, DEL, and what turns the direction of text, as \u escapes: inside of JSON they stand in strings only.
std::string EscapeInvisible(const std::string& json) {
  std::string out;
  out.reserve(json.size());
  for (size_t i = 0; i < json.size(); ++i) {
    const auto a = static_cast<unsigned char>(json[i]);
    const auto b = i + 1 < json.size() ? static_cast<unsigned char>(json[i + 1]) : 0;
    const auto c = i + 2 < json.size() ? static_cast<unsigned char>(json[i + 2]) : 0;
    if (a == 0x7F) {
      out += "\\u007f";
    } else if (a == 0xC2 && b >= 0x80 && b <= 0x9F) {
      absl::StrAppendFormat(&out, "\\u%04x", b);
      ++i;
    } else if (a == 0xE2 && ((b == 0x80 && ((c >= 0x8E && c <= 0x8F) || (c >= 0xA8 && c <= 0xAE))) ||
                             (b == 0x81 && c >= 0xA6 && c <= 0xA9))) {
      absl::StrAppendFormat(&out, "\\u%04x", 0x2000 | ((b & 0x3F) << 6) | (c & 0x3F));
      i += 2;
    } else {
      out += json[i];
    }
  }
  return out;
}

}  // namespace

Json JsonTree(const Message& message) {
  Json tree = Json::parse(ToJson(message));
  SortMaps(message, tree);
  return tree;
}

std::string JsonText(const Json& value, bool indent) {
  return EscapeInvisible(value.dump(indent ? 2 : -1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace backup::ctl
