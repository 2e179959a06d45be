// SPDX-License-Identifier: Apache-2.0
#include "ctl/dev_layout.h"

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/file.h"
#include "base/status_macros.h"

namespace backup::ctl {

absl::StatusOr<std::string> DefaultDevDirectory(const std::map<std::string, std::string>& variables, bool is_root) {
  if (is_root) return "/var/lib/backupctl-dev";
  const auto set = [&](const char* name) {
    const auto it = variables.find(name);
    return it == variables.end() ? std::string() : it->second;
  };
  if (!set("XDG_DATA_HOME").empty()) return absl::StrCat(set("XDG_DATA_HOME"), "/backupctl/dev");
  if (!set("HOME").empty()) return absl::StrCat(set("HOME"), "/.local/share/backupctl/dev");
  return MakeError(absl::StatusCode::kFailedPrecondition, "NO_HOME", "neither XDG_DATA_HOME nor HOME is set",
                   "say where with --dir DIR");
}

absl::StatusOr<DevSettings> ReadDevSettings(const DevLayout& layout) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(layout.settings()));
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  const auto is = [&](const char* key, nlohmann::json::value_t type) {
    return json.is_object() && json.contains(key) && json[key].type() == type;
  };
  using Type = nlohmann::json::value_t;
  if (!is("sample", Type::boolean) || !is("url", Type::string) || !is("repository", Type::string) ||
      !is("madeRepository", Type::boolean)) {
    return MakeError(absl::StatusCode::kInternal, "DEV_SETTINGS_DAMAGED",
                     absl::StrCat(layout.settings(), " cannot be read"), "run backupctl dev down, then dev up again");
  }
  return DevSettings{.sample = json["sample"],
                     .url = json["url"],
                     .repository = json["repository"],
                     .made_repository = json["madeRepository"]};
}

absl::Status WriteDevSettings(const DevLayout& layout, const DevSettings& settings) {
  nlohmann::ordered_json json;
  json["sample"] = settings.sample;
  json["url"] = settings.url;
  json["repository"] = settings.repository;
  json["madeRepository"] = settings.made_repository;
  return WriteFileAtomically(layout.settings(), json.dump(2) + "\n");
}

absl::Status PrepareDevDirectory(const std::string& directory, bool is_root) {
  RETURN_IF_ERROR(MakeDirectories(directory, is_root ? 0711 : 0700));
  if (!is_root) return absl::OkStatus();
  for (std::filesystem::path path = directory; path != path.root_path(); path = path.parent_path()) {
    struct stat info = {};
    if (stat(path.c_str(), &info) != 0) return ErrnoToStatus(errno, absl::StrCat("cannot look at ", path.string()));
    if ((info.st_mode & S_IXOTH) == 0) {
      return MakeError(absl::StatusCode::kFailedPrecondition, "DEV_DIRECTORY_CLOSED",
                       absl::StrCat("the unprivileged user of PostgreSQL cannot pass through ", path.string()),
                       "choose a place below a directory that others may enter: --dir /var/lib/backupctl-dev");
    }
  }
  return absl::OkStatus();
}

}  // namespace backup::ctl
