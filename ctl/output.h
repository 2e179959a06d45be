// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <google/protobuf/message.h>

#include <functional>
#include <iosfwd>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "ctl/json_tree.h"
#include "ctl/table.h"

namespace backup::ctl {

// kMarkdown is for the commands that make a page of it themselves, see CommandTree::AcceptMarkdown.
enum class OutputFormat { kTable, kWide, kJson, kJsonl, kYaml, kName, kMarkdown };

// "table", "wide", "json", "jsonl", "yaml", "name", "markdown"; nothing for other words.
std::optional<OutputFormat> ParseOutputFormat(absl::string_view word);

// The one way from results to stdout. Tables are for people: cleaned, relative times, cut to the terminal's width. The
// rest is for programs: protobuf JSON of the API's messages and YAML of the same; lists stand under their noun.
class Output {
 public:
  struct Options {
    OutputFormat format = OutputFormat::kTable;
    bool color = false;
    // Tables are cut to this; nothing: never cut.
    std::optional<int> columns;
  };
  // Borrows `out`.
  Output(std::ostream& out, const Options& options) : out_(out), options_(options) {}

  OutputFormat format() const { return options_.format; }
  bool for_people() const { return options_.format == OutputFormat::kTable || options_.format == OutputFormat::kWide; }
  const Options& options() const { return options_; }

  // A list: {"`noun`": [...]} as JSON and YAML, an object to a line as JSONL, resource names as name. `table` is asked
  // only when one is to be shown.
  void List(absl::string_view noun, const std::vector<const google::protobuf::Message*>& items,
            const std::function<Table()>& table);
  // One message; `text` is asked only when it is to be shown to people, and printed as it is.
  void Single(const google::protobuf::Message& message, const std::function<std::string()>& text);
  // The same for what is no message. `name` is what -o name prints.
  void Value(const nlohmann::ordered_json& value, absl::string_view name, const std::function<std::string()>& text);

  // A table, laid out by the options.
  std::string Layout(const Table& table) const;
  // `text` in a colour, when there are colours. `text` is cleaned.
  std::string Paint(absl::string_view text, Color color) const;
  // Text for people, as it is.
  void Text(absl::string_view text);

 private:
  std::ostream& out_;
  const Options options_;
};

// Pointers to the messages of a list, as Output::List wants them.
template <typename List>
std::vector<const google::protobuf::Message*> Pointers(const List& list) {
  std::vector<const google::protobuf::Message*> pointers;
  for (const auto& item : list) pointers.push_back(&item);
  return pointers;
}

}  // namespace backup::ctl
