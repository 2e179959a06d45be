// SPDX-License-Identifier: Apache-2.0
#include "ctl/context.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/errors.h"
#include "base/file.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "base/strict_yaml.h"
#include "base/text.h"
#include "ctl/yaml_writer.h"

namespace backup::ctl {
namespace {

std::string Absolute(const std::string& file, const std::filesystem::path& directory) {
  return file.empty() ? "" : (directory / file).lexically_normal().string();
}

absl::Status ContextNotFound(absl::string_view name, const std::vector<Context>& contexts) {
  std::vector<std::string> names;
  for (const Context& context : contexts) names.push_back(context.name);
  const std::string near = NearestWord(name, names);
  std::string hint = "see backupctl context list";
  if (names.empty()) {
    hint = "make one: backupctl context set NAME --controller HOST:PORT --ca FILE --certificate FILE --key FILE";
  }
  if (!near.empty()) hint = absl::StrCat("did you mean \"", near, "\"?");
  return MakeError(absl::StatusCode::kNotFound, "CONTEXT_NOT_FOUND", absl::StrCat("context \"", name, "\" not found"),
                   hint, {{"context", std::string(name)}});
}

Context ReadContext(YamlReader& reader, const std::filesystem::path& directory) {
  Context context;
  context.name = reader.String("name").value_or("");
  if (!IsValidId(context.name)) reader.AddError("name", "a context needs a name of 1 to 63 characters of [a-z0-9-]");
  context.controller = reader.String("controller").value_or("");
  context.ca = Absolute(reader.String("ca").value_or(""), directory);
  context.certificate = Absolute(reader.String("certificate").value_or(""), directory);
  context.key = Absolute(reader.String("key").value_or(""), directory);
  reader.Finish();
  return context;
}

}  // namespace

absl::StatusOr<ContextFile> ContextFile::Read(const std::string& path) {
  ContextFile file;
  file.path_ = path;
  const absl::StatusOr<std::string> text = ReadFile(path);
  if (ErrorReason(text.status()) == "FILE_NOT_FOUND") return file;
  RETURN_IF_ERROR(text.status());
  ASSIGN_OR_RETURN(const std::vector<YamlNode> documents, ParseYaml(*text, path));
  if (documents.empty()) return file;

  YamlReader::Context errors;
  errors.file = path;
  YamlReader reader(documents[0], "", errors);
  const std::filesystem::path directory = std::filesystem::absolute(path).parent_path();
  file.current_ = reader.String("currentContext").value_or("");
  for (YamlReader& item : reader.MapList("contexts")) {
    const Context context = ReadContext(item, directory);
    const bool twice = std::any_of(file.contexts_.begin(), file.contexts_.end(),
                                   [&](const Context& other) { return other.name == context.name; });
    if (twice) item.AddError("name", absl::StrCat("context \"", context.name, "\" is there twice"));
    file.contexts_.push_back(context);
  }
  reader.Finish();
  RETURN_IF_ERROR(JoinYamlErrors(errors.errors));
  return file;
}

absl::Status ContextFile::Write() const {
  nlohmann::ordered_json root;
  if (!current_.empty()) root["currentContext"] = current_;
  root["contexts"] = nlohmann::ordered_json::array();
  for (const Context& context : contexts_) {
    nlohmann::ordered_json entry = {{"name", context.name}, {"controller", context.controller}};
    if (!context.ca.empty()) entry["ca"] = context.ca;
    if (!context.certificate.empty()) entry["certificate"] = context.certificate;
    if (!context.key.empty()) entry["key"] = context.key;
    root["contexts"].push_back(entry);
  }
  const std::string directory = std::filesystem::absolute(path_).parent_path().string();
  RETURN_IF_ERROR(MakeDirectories(directory, 0700));
  return WriteFileAtomically(path_, "# Written by backupctl context.\n" + ToYaml(root), 0600);
}

absl::StatusOr<Context> ContextFile::Find(absl::string_view name) const {
  for (const Context& context : contexts_) {
    if (context.name == name) return context;
  }
  return ContextNotFound(name, contexts_);
}

absl::Status ContextFile::Put(const Context& context) {
  if (!IsValidId(context.name)) {
    return InvalidField("name", absl::StrCat("\"", context.name, "\" is no name for a context"),
                        "use 1 to 63 characters of [a-z0-9-] that begin and end with a letter or digit");
  }
  Context absolute = context;
  const std::filesystem::path here = std::filesystem::current_path();
  absolute.ca = Absolute(context.ca, here);
  absolute.certificate = Absolute(context.certificate, here);
  absolute.key = Absolute(context.key, here);
  const auto it = std::find_if(contexts_.begin(), contexts_.end(),
                               [&](const Context& other) { return other.name == context.name; });
  if (it != contexts_.end()) {
    *it = absolute;
  } else {
    contexts_.push_back(absolute);
  }
  if (contexts_.size() == 1 && current_.empty()) current_ = context.name;
  return absl::OkStatus();
}

void ContextFile::Remove(absl::string_view name) {
  contexts_.erase(
      std::remove_if(contexts_.begin(), contexts_.end(), [&](const Context& context) { return context.name == name; }),
      contexts_.end());
  if (current_ == name) current_.clear();
}

absl::Status ContextFile::Use(absl::string_view name) {
  RETURN_IF_ERROR(Find(name).status());
  current_ = std::string(name);
  return absl::OkStatus();
}

absl::StatusOr<std::string> ContextFilePath(const std::map<std::string, std::string>& variables) {
  const auto variable = [&](const char* name) {
    const auto it = variables.find(name);
    return it == variables.end() ? std::string() : it->second;
  };
  if (const std::string path = variable("BACKUPCTL_CONFIG"); !path.empty()) return path;
  if (const std::string base = variable("XDG_CONFIG_HOME"); !base.empty()) return base + "/backupctl/config.yaml";
  if (const std::string home = variable("HOME"); !home.empty()) return home + "/.config/backupctl/config.yaml";
  return MakeError(absl::StatusCode::kFailedPrecondition, "NO_HOME",
                   "there is no place to keep contexts: HOME is not set",
                   "set BACKUPCTL_CONFIG to a file, or pass --config");
}

}  // namespace backup::ctl
