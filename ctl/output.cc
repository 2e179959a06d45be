// SPDX-License-Identifier: Apache-2.0
#include "ctl/output.h"

#include <ostream>
#include <utility>

#include "base/text.h"
#include "ctl/yaml_writer.h"

namespace backup::ctl {
namespace {

using Json = nlohmann::ordered_json;
using google::protobuf::Message;

constexpr std::pair<const char*, OutputFormat> kFormats[] = {
    {"table", OutputFormat::kTable},      {"wide", OutputFormat::kWide}, {"json", OutputFormat::kJson},
    {"jsonl", OutputFormat::kJsonl},      {"yaml", OutputFormat::kYaml}, {"name", OutputFormat::kName},
    {"markdown", OutputFormat::kMarkdown}};

// The field "name" of a resource; "" when it has none.
std::string NameOf(const Message& message) {
  const auto* field = message.GetDescriptor()->FindFieldByName("name");
  if (field == nullptr || field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_STRING) return "";
  return message.GetReflection()->GetString(message, field);
}

}  // namespace

std::optional<OutputFormat> ParseOutputFormat(absl::string_view word) {
  for (const auto& [name, format] : kFormats) {
    if (word == name) return format;
  }
  return std::nullopt;
}

void Output::List(absl::string_view noun, const std::vector<const Message*>& items,
                  const std::function<Table()>& table) {
  switch (options_.format) {
    case OutputFormat::kTable:
    case OutputFormat::kWide:
    case OutputFormat::kMarkdown:
      out_ << Layout(table());
      return;
    case OutputFormat::kName:
      for (const Message* item : items) out_ << CleanText(NameOf(*item)) << "\n";
      return;
    case OutputFormat::kJsonl:
      for (const Message* item : items) out_ << JsonText(JsonTree(*item), false) << "\n";
      return;
    case OutputFormat::kJson:
    case OutputFormat::kYaml:
      break;
  }
  Json list = Json::array();
  for (const Message* item : items) list.push_back(JsonTree(*item));
  Value(Json{{std::string(noun), std::move(list)}}, "", nullptr);
}

void Output::Single(const Message& message, const std::function<std::string()>& text) {
  if (for_people()) {
    out_ << text();
  } else {
    Value(JsonTree(message), NameOf(message), nullptr);
  }
}

void Output::Value(const Json& value, absl::string_view name, const std::function<std::string()>& text) {
  switch (options_.format) {
    case OutputFormat::kTable:
    case OutputFormat::kWide:
    case OutputFormat::kMarkdown:
      out_ << text();
      return;
    case OutputFormat::kName:
      if (!name.empty()) out_ << CleanText(name) << "\n";
      return;
    case OutputFormat::kJson:
      out_ << JsonText(value, true) << "\n";
      return;
    case OutputFormat::kJsonl:
      out_ << JsonText(value, false) << "\n";
      return;
    case OutputFormat::kYaml:
      out_ << ToYaml(value);
      return;
  }
}

std::string Output::Layout(const Table& table) const {
  TableLayout layout;
  layout.wide = options_.format == OutputFormat::kWide;
  layout.color = options_.color;
  layout.columns = options_.columns;
  return LayOut(table, layout);
}

std::string Output::Paint(absl::string_view text, Color color) const {
  const std::string clean = CleanText(text);
  return options_.color ? Colored(clean, color) : clean;
}

void Output::Text(absl::string_view text) { out_ << std::string(text); }

}  // namespace backup::ctl
