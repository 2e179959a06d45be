// SPDX-License-Identifier: Apache-2.0
#include "ctl/yaml_writer.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "ctl/json_tree.h"

namespace backup::ctl {
namespace {

using Json = nlohmann::ordered_json;

// Words that some YAML 1.1 or 1.2 reader takes for something else than a string.
bool IsReservedWord(absl::string_view text) {
  static const std::vector<std::string> kWords = {"null", "~", "true", "false", "yes", "no", "on", "off", "y", "n"};
  const std::string lower = absl::AsciiStrToLower(text);
  return std::find(kWords.begin(), kWords.end(), lower) != kWords.end();
}

// Bare: begins with a letter, '_' or '/', or is a quantity such as 10m, 1KiB or 50%; and holds no character with a
// meaning.
bool MayStandBare(absl::string_view text) {
  if (text.empty() || IsReservedWord(text)) return false;
  bool letter = false;
  for (char c : text) {
    const bool plain =
        absl::ascii_isalnum(c) || c == '_' || c == '-' || c == '.' || c == '/' || c == '%' || c == '+' || c == '=';
    if (!plain) return false;
    letter = letter || absl::ascii_isalpha(c) || c == '%';
  }
  if (absl::ascii_isalpha(text[0]) || text[0] == '_' || text[0] == '/') return true;
  // Not 1e5, 0x1f or 2026-01-01: a digit, then digits, then a unit.
  if (!absl::ascii_isdigit(text[0])) return false;
  size_t digits = 0;
  while (digits < text.size() && absl::ascii_isdigit(text[digits])) ++digits;
  const absl::string_view unit = text.substr(digits);
  if (!letter || unit[0] == 'e' || unit[0] == 'E' || (text[0] == '0' && digits == 1 && unit != "s")) return false;
  return std::all_of(unit.begin(), unit.end(), [](char c) { return absl::ascii_isalnum(c) || c == '%'; });
}

std::string Scalar(const Json& value) {
  if (value.is_string() && MayStandBare(value.get_ref<const std::string&>())) return value.get<std::string>();
  return JsonText(value, false);  // JSON's scalars are YAML's.
}

bool IsFlow(const Json& value) {
  if (value.is_object()) return value.empty();
  if (!value.is_array()) return true;
  return std::all_of(value.begin(), value.end(), [](const Json& item) { return item.is_primitive(); });
}

std::string Flow(const Json& value) {
  if (value.is_object()) return "{}";
  if (!value.is_array()) return Scalar(value);
  std::vector<std::string> items;
  for (const Json& item : value) items.push_back(Scalar(item));
  return absl::StrCat("[", absl::StrJoin(items, ", "), "]");
}

void Write(const Json& value, int indent, bool first_line_begun, std::string& out) {
  const auto begin_line = [&] {
    if (!first_line_begun) out.append(indent, ' ');
    first_line_begun = false;
  };
  if (IsFlow(value)) {
    begin_line();
    absl::StrAppend(&out, Flow(value), "\n");
  } else if (value.is_object()) {
    for (const auto& [key, item] : value.items()) {
      begin_line();
      absl::StrAppend(&out, Scalar(Json(key)), ":");
      if (IsFlow(item)) {
        absl::StrAppend(&out, " ", Flow(item), "\n");
      } else {
        out += "\n";
        Write(item, indent + 2, false, out);
      }
    }
  } else {
    for (const Json& item : value) {
      begin_line();
      out += "- ";
      Write(item, indent + 2, true, out);
    }
  }
}

}  // namespace

std::string ToYaml(const Json& value) {
  std::string out;
  Write(value, 0, false, out);
  return out;
}

}  // namespace backup::ctl
