// SPDX-License-Identifier: Apache-2.0
#include "agent/config.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "agent/config_files.h"
#include "agent/pipeline/conninfo.h"
#include "base/errors.h"
#include "base/file.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "base/strict_yaml.h"

namespace backup::agent {
namespace {

constexpr size_t kMaxDatabases = 1000;
constexpr size_t kMaxRestoreTargets = 100;
constexpr size_t kMaxNameBytes = 63;

absl::Status Invalid(absl::string_view message, absl::string_view hint = "") {
  return MakeError(absl::StatusCode::kInvalidArgument, "CONFIG_INVALID", message, hint);
}

// Reads an absolute path into `path`; keeps what is there when the key is absent.
void ReadPath(YamlReader& reader, absl::string_view key, std::string& path) {
  std::optional<std::string> text = reader.String(key);
  if (!text.has_value()) {
    return;
  }
  if (!absl::StartsWith(*text, "/") || text->find('\0') != std::string::npos) {
    reader.AddError(key, "must be an absolute path");
  }
  path = *std::move(text);
}

// Fills in the names of `database` from its URL. Says what is wrong without quoting the URL; "" when nothing is.
std::string CompleteDatabase(DatabaseConfig& database) {
  const absl::StatusOr<Conninfo> conninfo = Conninfo::Parse({database.target.url, ""});
  if (!conninfo.ok()) {
    return std::string(conninfo.status().message());
  }
  database.database_name = conninfo->dbname();
  if (database.id.empty()) {
    database.id = conninfo->dbname();
  }
  return "";
}

void CheckPassword(YamlReader& reader, const std::string& file) {
  if (file.empty()) {
    return;
  }
  if (const absl::Status safe = CheckPasswordFile(file); !safe.ok()) {
    reader.AddError("passwordFile", safe.message(), ErrorHint(safe));
  }
}

DatabaseConfig ReadDatabase(YamlReader& reader, std::set<std::string>& ids) {
  DatabaseConfig database;
  const std::optional<std::string> name = reader.String("name");
  const std::optional<std::string> url = reader.String("url");
  ReadPath(reader, "passwordFile", database.target.password_file);
  database.labels = reader.StringMap("labels").value_or(std::map<std::string, std::string>());
  if (name.has_value() && (name->empty() || name->size() > kMaxNameBytes)) {
    reader.AddError("name", "must be 1 to 63 bytes");
  }
  database.id = name.value_or("");
  database.target.url = url.value_or("");
  if (!reader.Has("url")) {
    reader.AddError("", "url is missing", "write url: postgresql://USER@HOST/DATABASE");
  } else if (url.has_value()) {
    if (const std::string why = CompleteDatabase(database); !why.empty()) {
      reader.AddError("url", why);
    } else if (!ids.insert(database.id).second) {
      reader.AddError(name.has_value() ? "name" : "url",
                      absl::StrCat("a database called \"", database.id, "\" is listed before"),
                      "give each its own name");
    }
  }
  CheckPassword(reader, database.target.password_file);
  reader.Finish();
  return database;
}

RestoreTargetConfig ReadRestoreTarget(YamlReader& reader, std::set<std::string>& names) {
  RestoreTargetConfig target;
  target.name = reader.String("name").value_or("");
  target.server.url = reader.String("url").value_or("");
  ReadPath(reader, "passwordFile", target.server.password_file);
  if (!IsValidId(target.name)) {
    reader.AddError(reader.Has("name") ? "name" : "", "a restore target needs a name of [a-z0-9-], 1 to 63 characters",
                    "write name: standby");
  } else if (!names.insert(target.name).second) {
    reader.AddError("name", absl::StrCat("a restore target called \"", target.name, "\" is listed before"));
  }
  if (const absl::Status usable = Conninfo::Parse({target.server.url, ""}).status();
      target.server.url.empty() || !usable.ok()) {
    reader.AddError(reader.Has("url") ? "url" : "", target.server.url.empty() ? "url is missing" : usable.message(),
                    "write url: postgresql://USER@HOST/postgres");
  }
  CheckPassword(reader, target.server.password_file);
  reader.Finish();
  return target;
}

AgentConfig ReadConfig(YamlReader& reader) {
  AgentConfig config;
  config.state_directory = kDefaultStateDirectory;
  config.repository = kDefaultRepository;
  config.drill_directory = kDefaultDrillDirectory;
  for (const auto& [key, value] : {std::pair("apiVersion", "backup/v1"), std::pair("kind", "AgentConfig")}) {
    if (!reader.Has(key)) {
      reader.AddError("", absl::StrCat(key, " is missing"), absl::StrCat("write ", key, ": ", value));
    } else {
      reader.OneOf(key, {value});
    }
  }
  ReadPath(reader, "stateDirectory", config.state_directory);
  ReadPath(reader, "repository", config.repository);
  ReadPath(reader, "pgBindir", config.pg_bindir);
  ReadPath(reader, "drillDirectory", config.drill_directory);
  config.max_runs = static_cast<int>(reader.Integer("maxRuns", 1, 64).value_or(config.max_runs));
  config.labels = reader.StringMap("labels").value_or(std::map<std::string, std::string>());
  const bool has_databases = reader.Has("databases");
  std::set<std::string> ids;
  for (YamlReader& database : reader.MapList("databases")) {
    config.databases.push_back(ReadDatabase(database, ids));
  }
  if (config.databases.empty()) {
    reader.AddError(has_databases ? "databases" : "", "no database is listed",
                    "write databases: [{url: postgresql://USER@HOST/DATABASE}]");
  } else if (config.databases.size() > kMaxDatabases) {
    reader.AddError("databases", absl::StrCat("more than ", kMaxDatabases, " databases are listed"));
  }
  std::set<std::string> target_names;
  for (YamlReader& target : reader.MapList("restoreTargets")) {
    config.restore_targets.push_back(ReadRestoreTarget(target, target_names));
  }
  if (config.restore_targets.size() > kMaxRestoreTargets) {
    reader.AddError("restoreTargets", absl::StrCat("more than ", kMaxRestoreTargets, " restore targets are listed"));
  }
  reader.Finish();
  return config;
}

}  // namespace

absl::StatusOr<AgentConfig> ParseAgentConfig(absl::string_view text, absl::string_view file) {
  ASSIGN_OR_RETURN(const std::vector<YamlNode> documents, ParseYaml(text, file));
  if (documents.size() != 1) {
    return Invalid(absl::StrCat(file, ":1:1: expected one document, found ", documents.size()));
  }
  YamlReader::Context context;
  context.file = std::string(file);
  YamlReader reader(documents[0], "", context);
  AgentConfig config = ReadConfig(reader);
  RETURN_IF_ERROR(JoinYamlErrors(context.errors));
  return config;
}

absl::StatusOr<AgentConfig> LoadAgentConfig(const std::string& file) {
  absl::StatusOr<std::string> text = ReadFile(file);
  if (!text.ok()) {
    return Annotate(text.status(), "the agent's configuration");
  }
  ASSIGN_OR_RETURN(AgentConfig config, ParseAgentConfig(*text, file));
  std::vector<std::string> urls;
  for (const DatabaseConfig& database : config.databases) {
    urls.push_back(database.target.url);
  }
  for (const RestoreTargetConfig& target : config.restore_targets) {
    urls.push_back(target.server.url);
  }
  const bool has_password = std::any_of(urls.begin(), urls.end(), [](const std::string& url) {
    const absl::StatusOr<Conninfo> conninfo = Conninfo::Parse({url, ""});
    return conninfo.ok() && !conninfo->password().empty();
  });
  RETURN_IF_ERROR(CheckConfigFile(file, has_password));
  return config;
}

absl::StatusOr<AgentConfig> AgentConfigFromEnvironment(
    const std::function<std::optional<std::string>(absl::string_view)>& get) {
  AgentConfig config;
  config.state_directory = get("BACKUP_STATE_DIR").value_or(kDefaultStateDirectory);
  config.repository = get("BACKUP_DIR").value_or(kDefaultRepository);
  config.drill_directory = get("BACKUP_DRILL_DIR").value_or(kDefaultDrillDirectory);
  for (const auto& [variable, path] :
       {std::pair("BACKUP_STATE_DIR", config.state_directory), std::pair("BACKUP_DIR", config.repository),
        std::pair("BACKUP_DRILL_DIR", config.drill_directory)}) {
    if (!absl::StartsWith(path, "/")) {
      return Invalid(absl::StrCat("environment variable ", variable, " must be an absolute path"));
    }
  }
  const std::string url = get("DATABASE_URL").value_or("");
  if (url.empty()) {
    return Invalid("neither a configuration file was given, nor is DATABASE_URL set",
                   "use --config FILE, or set DATABASE_URL=postgresql://USER@HOST/DATABASE");
  }
  DatabaseConfig database;
  database.target.url = url;
  if (const std::string why = CompleteDatabase(database); !why.empty()) {
    return Invalid(absl::StrCat("environment variable DATABASE_URL: ", why));
  }
  config.databases.push_back(std::move(database));
  return config;
}

}  // namespace backup::agent
