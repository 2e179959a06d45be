// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/errors.h"
#include "base/text.h"
#include "ctl/file_commands.h"
#include "ctl/policy_fields.h"

namespace backup::ctl {
namespace {

using Json = nlohmann::ordered_json;

std::string LastSegment(absl::string_view path) {
  const std::vector<std::string> segments = absl::StrSplit(path, '.');
  return segments.back();
}

absl::Status UnknownField(const std::string& path) {
  // The deepest part that is known, and what is near to the word after it.
  std::vector<std::string> segments = absl::StrSplit(path, '.');
  if (!NearestWord(segments[0], {"policy"}).empty()) segments.erase(segments.begin());
  std::string known;
  size_t next = 0;
  for (; next < segments.size(); ++next) {
    const std::string longer = absl::StrCat(known, known.empty() ? "" : ".", segments[next]);
    if (FindPolicyField(longer) == nullptr) break;
    known = longer;
  }
  std::vector<std::string> names;
  for (const PolicyField* field : PolicyFieldsBelow(known)) {
    names.push_back(std::string(absl::StripSuffix(LastSegment(field->path), "[]")));
  }
  const std::string parent = known.empty() ? "policy" : absl::StrCat("policy.", known);
  std::string hint = absl::StrCat(parent, " has: ", absl::StrJoin(names, ", "));
  if (names.empty()) hint = absl::StrCat(parent, " has no fields below it");
  const std::string near = next < segments.size() ? NearestWord(segments[next], names) : "";
  if (!near.empty()) hint = absl::StrCat("did you mean ", parent, ".", near, "?");
  // A field may also be named alone, when it is known somewhere.
  for (const PolicyField& field : PolicyFields()) {
    if (!near.empty() || LastSegment(field.path) != segments.back()) continue;
    hint = absl::StrCat("did you mean policy.", field.path, "?");
    break;
  }
  return MakeError(absl::StatusCode::kNotFound, "FIELD_NOT_FOUND", absl::StrCat("a policy has no field \"", path, "\""),
                   hint, {{"field", path}});
}

Json ToJson(const PolicyField& field) {
  Json json = {{"path", field.path}, {"type", field.type}, {"text", field.text}};
  if (*field.default_value != 0) json["default"] = field.default_value;
  if (*field.example != 0) json["example"] = field.example;
  return json;
}

std::string Text(const Output& output, const PolicyField* field, const std::vector<const PolicyField*>& below) {
  std::string out;
  if (field == nullptr) {
    absl::StrAppend(&out, output.Paint("policy", Color::kBold),
                    "\n  A file that says which databases are backed up when, how, and what "
                    "is kept. Apply it with backupctl apply FILE.\n");
  } else {
    absl::StrAppend(&out, output.Paint(absl::StrCat("policy.", field->path), Color::kBold), "  (", field->type, ")\n  ",
                    field->text, "\n");
    if (*field->default_value != 0) absl::StrAppend(&out, "  default: ", field->default_value, "\n");
    if (*field->example != 0) {
      absl::StrAppend(&out, "  example: ", LastSegment(field->path), ": ", field->example, "\n");
    }
  }
  if (below.empty()) return out;
  Table table{{{"FIELD"}, {"TYPE"}, {"DEFAULT"}, {"WHAT", Column::Align::kLeft, false, true}}, {}};
  for (const PolicyField* entry : below) {
    table.rows.push_back({absl::StrCat(entry->path), entry->type, entry->default_value, entry->text});
  }
  return absl::StrCat(out, "\n", output.Layout(table));
}

absl::StatusOr<ExitCode> Explain(Session& session, const std::string& path) {
  const PolicyField* field = FindPolicyField(path);
  if (field == nullptr && path != "policy") return UnknownField(path);
  const std::vector<const PolicyField*> below = PolicyFieldsBelow(path);
  Json json = field == nullptr ? Json{{"path", "policy"}} : ToJson(*field);
  for (const PolicyField* entry : below) json["fields"].push_back(ToJson(*entry));
  session.output().Value(json, absl::StrCat("policy", field == nullptr ? "" : ".", field == nullptr ? "" : field->path),
                         [&] { return Text(session.output(), field, below); });
  return ExitCode::kOk;
}

}  // namespace

void AddExplainCommand(CommandTree& tree) {
  auto path = std::make_shared<std::string>("policy");
  CLI::App& leaf =
      tree.AddRootLeaf("explain",
                       {"Tell what a field of a policy file means", "Needs no controller.",
                        "backupctl explain policy\nbackupctl explain policy.spec.schedule.cron"},
                       kPolicyGroup, [&session = tree.session(), path] { return Explain(session, *path); });
  leaf.add_option("FIELD", *path, "path of a field (default: policy)");
}

}  // namespace backup::ctl
