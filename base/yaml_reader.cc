// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/errors.h"
#include "base/text.h"
#include "base/units.h"
#include "base/yaml_node.h"

namespace backup {
namespace {

std::string Quoted(absl::string_view text) { return absl::StrCat("\"", CleanText(text, 100), "\""); }

std::string Join(absl::string_view path, absl::string_view key) {
  if (path.empty() || key.empty()) return absl::StrCat(path, key);
  return absl::StrCat(path, ".", key);
}

// Where to point for a value: at itself, or at its key when it spreads over lines.
SourcePosition PlaceOf(const YamlNode& node) {
  return node.kind() == YamlNode::Kind::kScalar ? node.position() : node.key_position();
}

absl::string_view KindName(YamlNode::Kind kind) {
  switch (kind) {
    case YamlNode::Kind::kNull:
      return "nothing";
    case YamlNode::Kind::kScalar:
      return "a single value";
    case YamlNode::Kind::kList:
      return "a list";
    case YamlNode::Kind::kMap:
      return "a map";
  }
  return "nothing";
}

}  // namespace

YamlReader::YamlReader(const YamlNode& node, std::string path, Context& context)
    : node_(node), path_(std::move(path)), context_(&context) {
  context_->positions[path_] = node_.key_position();
  if (node_.kind() != YamlNode::Kind::kMap && node_.kind() != YamlNode::Kind::kNull) {
    AddErrorAt(PlaceOf(node_), path_, absl::StrCat("must be a map, not ", KindName(node_.kind())), "");
  }
  for (const auto& [key, value] : node_.entries()) {
    const std::string child = Join(path_, key);
    context_->positions[child] = PlaceOf(value);
    for (size_t i = 0; i < value.items().size(); ++i) {
      context_->positions[absl::StrCat(child, "[", i, "]")] = value.items()[i].position();
    }
  }
}

const YamlNode* YamlReader::Find(absl::string_view key) {
  known_.emplace_back(key);
  for (const auto& [name, value] : node_.entries()) {
    if (name == key) return &value;
  }
  return nullptr;
}

const YamlNode* YamlReader::FindKind(absl::string_view key, YamlNode::Kind kind, absl::string_view wanted) {
  const YamlNode* const value = Find(key);
  if (value == nullptr || value->kind() == kind) return value;
  AddErrorAt(PlaceOf(*value), Join(path_, key), absl::StrCat("must be ", wanted, ", not ", KindName(value->kind())),
             "");
  return nullptr;
}

std::optional<std::string> YamlReader::String(absl::string_view key) {
  const YamlNode* const value = FindKind(key, YamlNode::Kind::kScalar, "a text");
  if (value == nullptr) return std::nullopt;
  return value->text();
}

std::optional<int64_t> YamlReader::Integer(absl::string_view key, int64_t min, int64_t max) {
  const YamlNode* const value = FindKind(key, YamlNode::Kind::kScalar, "a number");
  if (value == nullptr) return std::nullopt;
  if (value->quoted()) {
    AddError(key, absl::StrCat("must be a number, not the text ", Quoted(value->text())), "remove the quotes");
    return std::nullopt;
  }
  // SimpleAtoi alone takes blanks and "+5".
  const std::string& text = value->text();
  const bool digits = text.find_first_not_of("-0123456789") == std::string::npos;
  int64_t number = 0;
  if (!digits || !absl::SimpleAtoi(text, &number) || number < min || number > max) {
    AddError(key, absl::StrCat("must be a whole number from ", min, " to ", max, ", not ", Quoted(text)));
    return std::nullopt;
  }
  return number;
}

std::optional<bool> YamlReader::Bool(absl::string_view key) {
  const YamlNode* const value = FindKind(key, YamlNode::Kind::kScalar, "true or false");
  if (value == nullptr) return std::nullopt;
  if (value->quoted() || (value->text() != "true" && value->text() != "false")) {
    AddError(key, absl::StrCat("must be true or false, not ", Quoted(value->text())),
             value->quoted() ? "remove the quotes" : "");
    return std::nullopt;
  }
  return value->text() == "true";
}

std::optional<absl::Duration> YamlReader::Duration(absl::string_view key) {
  const YamlNode* const value = FindKind(key, YamlNode::Kind::kScalar, "a duration");
  if (value == nullptr) return std::nullopt;
  const absl::StatusOr<absl::Duration> duration = ParseDuration(value->text());
  if (duration.ok()) return *duration;
  AddError(key, duration.status().message(), ErrorHint(duration.status()));
  return std::nullopt;
}

std::optional<int64_t> YamlReader::Size(absl::string_view key) {
  const YamlNode* const value = FindKind(key, YamlNode::Kind::kScalar, "a size");
  if (value == nullptr) return std::nullopt;
  const absl::StatusOr<int64_t> bytes = ParseSize(value->text());
  if (bytes.ok()) return *bytes;
  AddError(key, bytes.status().message(), ErrorHint(bytes.status()));
  return std::nullopt;
}

std::optional<int32_t> YamlReader::Percent(absl::string_view key) {
  const YamlNode* const value = FindKind(key, YamlNode::Kind::kScalar, "a percentage");
  if (value == nullptr) return std::nullopt;
  const absl::StatusOr<int32_t> percent = ParsePercent(value->text());
  if (percent.ok()) return *percent;
  AddError(key, percent.status().message(), ErrorHint(percent.status()));
  return std::nullopt;
}

std::optional<std::vector<std::string>> YamlReader::StringList(absl::string_view key) {
  const YamlNode* const value = FindKind(key, YamlNode::Kind::kList, "a list");
  if (value == nullptr) return std::nullopt;
  std::vector<std::string> texts;
  bool good = true;
  for (size_t i = 0; i < value->items().size(); ++i) {
    const YamlNode& item = value->items()[i];
    if (item.kind() == YamlNode::Kind::kScalar) {
      texts.push_back(item.text());
      continue;
    }
    AddErrorAt(item.position(), absl::StrCat(Join(path_, key), "[", i, "]"),
               absl::StrCat("must be a text, not ", KindName(item.kind())), "");
    good = false;
  }
  if (!good) return std::nullopt;
  return texts;
}

std::optional<std::map<std::string, std::string>> YamlReader::StringMap(absl::string_view key) {
  const YamlNode* const value = FindKind(key, YamlNode::Kind::kMap, "a map of texts");
  if (value == nullptr) return std::nullopt;
  std::map<std::string, std::string> texts;
  bool good = true;
  for (const auto& [name, item] : value->entries()) {
    const std::string path = Join(Join(path_, key), name);
    context_->positions[path] = PlaceOf(item);
    if (item.kind() == YamlNode::Kind::kScalar) {
      texts.emplace(name, item.text());
      continue;
    }
    AddErrorAt(PlaceOf(item), path, absl::StrCat("must be a text, not ", KindName(item.kind())), "");
    good = false;
  }
  if (!good) return std::nullopt;
  return texts;
}

std::optional<std::string> YamlReader::OneOf(absl::string_view key, const std::vector<std::string>& values) {
  const std::optional<std::string> text = String(key);
  if (!text.has_value() || std::find(values.begin(), values.end(), *text) != values.end()) return text;
  const std::string nearest = NearestWord(*text, values);
  AddError(key, absl::StrCat("must be one of ", absl::StrJoin(values, ", "), ", not ", Quoted(*text)),
           nearest.empty() ? "" : absl::StrCat("did you mean ", Quoted(nearest), "?"));
  return std::nullopt;
}

std::optional<YamlReader> YamlReader::Map(absl::string_view key) {
  const YamlNode* const value = Find(key);
  if (value == nullptr) return std::nullopt;
  return YamlReader(*value, Join(path_, key), *context_);
}

std::vector<YamlReader> YamlReader::MapList(absl::string_view key) {
  std::vector<YamlReader> readers;
  const YamlNode* const value = FindKind(key, YamlNode::Kind::kList, "a list of maps");
  if (value == nullptr) return readers;
  for (size_t i = 0; i < value->items().size(); ++i) {
    readers.emplace_back(value->items()[i], absl::StrCat(Join(path_, key), "[", i, "]"), *context_);
  }
  return readers;
}

bool YamlReader::Has(absl::string_view key) { return Find(key) != nullptr; }

void YamlReader::Finish() {
  for (const auto& [key, value] : node_.entries()) {
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    const std::string nearest = NearestWord(key, known_);
    AddErrorAt(value.key_position(), Join(path_, CleanText(key, 100)), "unknown key",
               nearest.empty() ? "" : absl::StrCat("did you mean ", Quoted(nearest), "?"));
  }
}

void YamlReader::AddError(absl::string_view key, absl::string_view why, absl::string_view hint) {
  AddErrorAt(PositionOf(key), Join(path_, key), why, hint);
}

void YamlReader::AddErrorAt(SourcePosition position, absl::string_view path, absl::string_view why,
                            absl::string_view hint) {
  context_->errors.push_back(YamlError(context_->file, position, path, why, hint));
}

SourcePosition YamlReader::PositionOf(absl::string_view key) const {
  for (const auto& [name, value] : node_.entries()) {
    if (name == key) return PlaceOf(value);
  }
  return node_.key_position();
}

}  // namespace backup
