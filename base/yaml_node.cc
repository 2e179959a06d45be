// SPDX-License-Identifier: Apache-2.0
#include "base/yaml_node.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/text.h"

namespace backup {
namespace {

const std::string& EmptyText() {
  static const std::string* const text = new std::string;
  return *text;
}

}  // namespace

YamlNode::Kind YamlNode::kind() const { return rep_ == nullptr ? Kind::kNull : rep_->kind; }

const std::string& YamlNode::text() const { return rep_ == nullptr ? EmptyText() : rep_->text; }

bool YamlNode::quoted() const { return rep_ != nullptr && rep_->quoted; }

SourcePosition YamlNode::position() const { return rep_ == nullptr ? SourcePosition() : rep_->position; }

SourcePosition YamlNode::key_position() const { return rep_ == nullptr ? SourcePosition() : rep_->key_position; }

const std::vector<YamlNode>& YamlNode::items() const {
  static const std::vector<YamlNode>* const none = new std::vector<YamlNode>;
  return rep_ == nullptr ? *none : rep_->items;
}

const std::vector<std::pair<std::string, YamlNode>>& YamlNode::entries() const {
  static const auto* const none = new std::vector<std::pair<std::string, YamlNode>>;
  return rep_ == nullptr ? *none : rep_->entries;
}

absl::Status YamlError(absl::string_view file, SourcePosition position, absl::string_view field, absl::string_view why,
                       absl::string_view hint) {
  ErrorMetadata metadata = {
      {"file", std::string(file)}, {"line", absl::StrCat(position.line)}, {"column", absl::StrCat(position.column)}};
  if (!field.empty()) metadata.emplace_back("field", std::string(field));
  const std::string place = position.line > 0 ? absl::StrCat(":", position.line, ":", position.column) : "";
  return MakeError(absl::StatusCode::kInvalidArgument, "YAML_INVALID",
                   absl::StrCat(CleanText(file), place, ": ", field, field.empty() ? "" : ": ", why), hint, metadata);
}

absl::Status JoinYamlErrors(std::vector<absl::Status> errors) {
  const auto place = [](const absl::Status& error) {
    std::pair<int, int> line_and_column(0, 0);
    for (const v1::ErrorInfo& info : GetErrorInfos(error)) {
      const auto line = info.metadata().find("line");
      const auto column = info.metadata().find("column");
      if (line == info.metadata().end() || column == info.metadata().end()) continue;
      if (absl::SimpleAtoi(line->second, &line_and_column.first) &&
          absl::SimpleAtoi(column->second, &line_and_column.second)) {
        break;
      }
    }
    return line_and_column;
  };
  std::stable_sort(errors.begin(), errors.end(),
                   [&](const absl::Status& a, const absl::Status& b) { return place(a) < place(b); });
  return JoinErrors(errors);
}

}  // namespace backup
