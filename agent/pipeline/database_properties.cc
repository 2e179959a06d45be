// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/database_properties.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "agent/pipeline/job_failure.h"
#include "agent/pipeline/sql_name.h"
#include "agent/pipeline/text_name.h"
#include "base/proto_json.h"
#include "base/status_macros.h"
#include "base/x509.h"

namespace backup::agent {
namespace {

constexpr size_t kMaxFileBytes = 16 << 20;

constexpr char kDatabase[] = R"(
SELECT pg_catalog.pg_get_userbyid(d.datdba), d.datconnlimit, pg_catalog.shobj_description(d.oid, 'pg_database'),
       d.datacl IS NOT NULL, l.row->>'datlocprovider', coalesce(l.row->>'datlocale', l.row->>'daticulocale'),
       l.row->>'daticurules'
  FROM pg_catalog.pg_database d, pg_catalog.to_jsonb(d) AS l(row) WHERE d.datname = pg_catalog.current_database())";

constexpr char kPrivileges[] = R"(
SELECT CASE a.grantee WHEN 0 THEN '' ELSE pg_catalog.pg_get_userbyid(a.grantee) END, a.is_grantable,
       pg_catalog.string_agg(a.privilege_type, ' ' ORDER BY a.privilege_type)
  FROM pg_catalog.pg_database d, pg_catalog.aclexplode(d.datacl) a
 WHERE d.datname = pg_catalog.current_database()
 GROUP BY a.grantee, a.is_grantable ORDER BY 1, 2)";

constexpr char kSettings[] = R"(
SELECT coalesce(r.rolname, ''), c.setting
  FROM pg_catalog.pg_db_role_setting s
  JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
  LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
  CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) WITH ORDINALITY AS c(setting, number)
 WHERE d.datname = pg_catalog.current_database() AND (s.setrole = 0 OR r.rolname IS NOT NULL)
 ORDER BY 1, c.number)";

std::string Utf8(const std::optional<std::string>& value) { return NameToUtf8(value.value_or("")); }

absl::StatusOr<v1::DatabaseProperties> Ask(PgSession& session, absl::Duration timeout) {
  RETURN_IF_ERROR(session.Query("SELECT pg_catalog.set_config('client_encoding', 'UTF8', false)", timeout).status());
  v1::DatabaseProperties properties;
  ASSIGN_OR_RETURN(const PgRows database, session.Query(kDatabase, timeout));
  int limit = -1;
  if (database.size() != 1 || !absl::SimpleAtoi(database[0].at(1).value_or(""), &limit)) {
    return JobError(v1::INTERNAL, "the server's answer about the database's owner has an unexpected form");
  }
  properties.set_owner(Utf8(database[0].at(0)));
  properties.set_connection_limit(limit);
  properties.set_comment(Utf8(database[0].at(2)));
  properties.set_has_privileges(database[0].at(3) == "t");
  // Columns are called as in the server's version; the first is there since 15.
  properties.set_locale_provider(Utf8(database[0].at(4)));
  if (properties.locale_provider() != "c") {
    properties.set_locale(Utf8(database[0].at(5)));
    properties.set_icu_rules(Utf8(database[0].at(6)));
  }
  ASSIGN_OR_RETURN(const PgRows privileges, session.Query(kPrivileges, timeout));
  for (const auto& row : privileges) {
    v1::DatabasePrivileges& granted = *properties.add_privileges();
    granted.set_role(Utf8(row.at(0)));
    granted.set_grantable(row.at(1) == "t");
    for (const absl::string_view privilege : absl::StrSplit(row.at(2).value_or(""), ' ', absl::SkipEmpty())) {
      granted.add_privileges(std::string(privilege));
    }
  }
  ASSIGN_OR_RETURN(const PgRows settings, session.Query(kSettings, timeout));
  for (const auto& row : settings) {
    const std::string text = Utf8(row.at(1));
    v1::DatabaseSetting& setting = *properties.add_settings();
    setting.set_role(Utf8(row.at(0)));
    setting.set_name(text.substr(0, text.find('=')));
    setting.set_value(text.substr(std::min(text.size(), setting.name().size() + 1)));
  }
  return properties;
}

// Settings that the server stores as a list of names, each in quotes where it needs them (GUC_LIST_QUOTE).
bool IsList(absl::string_view name) {
  constexpr absl::string_view kLists[] = {"search_path",
                                          "temp_tablespaces",
                                          "local_preload_libraries",
                                          "session_preload_libraries",
                                          "shared_preload_libraries",
                                          "unix_socket_directories"};
  return std::find(std::begin(kLists), std::end(kLists), name) != std::end(kLists);
}

// Takes an item of such a list from the front of `text`: in quotes, or up to the next comma or space.
bool ConsumeListItem(absl::string_view* text, std::string* item) {
  if (absl::StartsWith(*text, "\"\"") && !absl::StartsWith(*text, "\"\"\"")) {
    text->remove_prefix(2);
    item->clear();
    return true;
  }
  if (absl::StartsWith(*text, "\"")) {
    return ConsumeIdentifier(text, item);
  }
  *item = std::string(text->substr(0, text->find_first_of(", \"")));
  text->remove_prefix(item->size());
  return !item->empty();
}

void SkipSpaces(absl::string_view* text) { text->remove_prefix(std::min(text->find_first_not_of(' '), text->size())); }

// The names of a setting that is a list of them; nothing when it is none.
std::optional<std::vector<std::string>> ItemsOf(const v1::DatabaseSetting& setting) {
  std::vector<std::string> items;
  absl::string_view rest = setting.value();
  if (!IsList(setting.name())) {
    return std::nullopt;
  }
  if (rest.empty()) {
    return std::vector<std::string>{""};
  }
  do {
    SkipSpaces(&rest);
    if (!ConsumeListItem(&rest, &items.emplace_back())) {
      return std::nullopt;
    }
    SkipSpaces(&rest);
  } while (absl::ConsumePrefix(&rest, ","));
  return rest.empty() ? std::optional(std::move(items)) : std::nullopt;
}

PropertyStatement SettingStatement(const v1::DatabaseSetting& setting, const std::string& name) {
  const std::string whose = setting.role().empty()
                                ? absl::StrCat("ALTER DATABASE ", name)
                                : absl::StrCat("ALTER ROLE ", QuoteName(setting.role()), " IN DATABASE ", name);
  // As one text when it should be a list and is none: the server says what is wrong with it.
  const std::vector<std::string> items = ItemsOf(setting).value_or(std::vector<std::string>{setting.value()});
  const std::string value = absl::StrJoin(
      items, ", ", [](std::string* out, const std::string& item) { absl::StrAppend(out, QuoteText(item)); });
  PropertyStatement statement;
  statement.sql = absl::StrCat(whose, " SET ", QuoteName(setting.name()), " TO ", value);
  statement.label = absl::StrCat("setting ", setting.name(), setting.role().empty() ? "" : " of role ", setting.role());
  if (absl::EndsWith(setting.name(), "_preload_libraries")) {
    statement.libraries = items;
    std::erase(statement.libraries, "");
  }
  return statement;
}

bool IsPrivilege(absl::string_view word) { return word == "CREATE" || word == "CONNECT" || word == "TEMPORARY"; }

void AddPrivileges(const v1::DatabaseProperties& properties, const std::string& name,
                   std::vector<PropertyStatement>* statements) {
  statements->push_back(
      {absl::StrCat("REVOKE ALL ON DATABASE ", name, " FROM PUBLIC"), {}, "no privileges for everybody"});
  for (const v1::DatabasePrivileges& granted : properties.privileges()) {
    const bool all_known = std::all_of(granted.privileges().begin(), granted.privileges().end(), IsPrivilege);
    if (granted.privileges().empty() || !all_known) {
      continue;
    }
    const std::string what = absl::StrJoin(granted.privileges(), ", ");
    const std::string whom = granted.role().empty() ? "PUBLIC" : QuoteName(granted.role());
    statements->push_back({absl::StrCat("GRANT ", what, " ON DATABASE ", name, " TO ", whom,
                                        granted.grantable() ? " WITH GRANT OPTION" : ""),
                           {},
                           absl::StrCat(what, " for ", granted.role().empty() ? "everybody" : granted.role())});
  }
}

}  // namespace

absl::StatusOr<v1::DatabaseProperties> ReadDatabaseProperties(PgSession& session, absl::Duration timeout) {
  RETURN_IF_ERROR(session.Query("SAVEPOINT properties", timeout).status());
  absl::StatusOr<v1::DatabaseProperties> properties = Ask(session, timeout);
  if (!properties.ok() && session.last_sqlstate().empty()) {
    return properties;  // Not the server's refusal: the session is of no more use.
  }
  if (!properties.ok()) {
    RETURN_IF_ERROR(session.Query("ROLLBACK TO SAVEPOINT properties", timeout).status());
  }
  // Within one, no snapshot can be exported.
  RETURN_IF_ERROR(session.Query("RELEASE SAVEPOINT properties", timeout).status());
  return properties;
}

std::vector<PropertyStatement> PropertyStatements(const v1::DatabaseProperties& properties,
                                                  absl::string_view database) {
  const std::string name = QuoteName(database);
  std::vector<PropertyStatement> statements;
  if (!properties.comment().empty()) {
    statements.push_back(
        {absl::StrCat("COMMENT ON DATABASE ", name, " IS ", QuoteText(properties.comment())), {}, "comment"});
  }
  for (const v1::DatabaseSetting& setting : properties.settings()) {
    statements.push_back(SettingStatement(setting, name));
  }
  if (properties.has_privileges()) {
    AddPrivileges(properties, name, &statements);
  }
  if (properties.connection_limit() >= 0 && !properties.owner().empty()) {
    const std::string limit = absl::StrCat(properties.connection_limit());
    statements.push_back({absl::StrCat("ALTER DATABASE ", name, " CONNECTION LIMIT ", limit),
                          {},
                          absl::StrCat("limit of ", limit, " connections")});
  }
  if (!properties.owner().empty()) {
    statements.push_back({absl::StrCat("ALTER DATABASE ", name, " OWNER TO ", QuoteName(properties.owner())),
                          {},
                          absl::StrCat("owner ", properties.owner())});
  }
  return statements;
}

absl::StatusOr<std::optional<v1::DatabaseProperties>> LoadDatabaseProperties(const StoredDirectory& directory,
                                                                             const v1::Manifest& manifest) {
  const auto file = std::find_if(manifest.files().begin(), manifest.files().end(),
                                 [](const v1::ArtifactFile& candidate) { return candidate.name() == kPropertiesFile; });
  if (file == manifest.files().end()) {
    return std::nullopt;
  }
  ASSIGN_OR_RETURN(const std::string text,
                   directory.ReadWhole(kPropertiesFile, kMaxFileBytes, /*drop_page_cache=*/false));
  if (Sha256Hex(text) != file->stored_sha256()) {
    return JobError(v1::CORRUPT, absl::StrCat(kPropertiesFile, ": its SHA-256 is not the one in the manifest"));
  }
  v1::DatabaseProperties properties;
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  if (!google::protobuf::util::JsonStringToMessage(text, &properties, options).ok()) {
    return std::nullopt;
  }
  return properties;
}

}  // namespace backup::agent
