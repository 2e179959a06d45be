// SPDX-License-Identifier: Apache-2.0
#include "ctl/database_argument.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/errors.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "ctl/paging.h"
#include "ctl/short_name.h"

namespace backup::ctl {
namespace {

constexpr size_t kMostShown = 20;

absl::Status Ambiguous(absl::string_view word, const std::vector<std::string>& matches) {
  std::vector<std::string> shown;
  for (const std::string& match : matches) {
    if (shown.size() == kMostShown) break;
    shown.push_back(ShellWord(ShortName(match)));
  }
  const std::string rest =
      matches.size() > kMostShown ? absl::StrCat(" and ", matches.size() - kMostShown, " more") : "";
  return MakeError(absl::StatusCode::kInvalidArgument, "DATABASE_AMBIGUOUS",
                   absl::StrCat("\"", word, "\" fits ", matches.size(), " databases"),
                   absl::StrCat("name one of them: ", absl::StrJoin(shown, ", "), rest),
                   {{"database", std::string(word)}});
}

absl::Status NoneFits(absl::string_view word, const std::vector<std::string>& names) {
  std::vector<std::string> words;
  for (const std::string& name : names) {
    words.push_back(ShortName(name));
    if (const absl::StatusOr<DatabaseId> id = ParseDatabaseName(name); id.ok()) words.push_back(id->database);
  }
  const std::string near = NearestWord(word, words);
  return MakeError(absl::StatusCode::kNotFound, "DATABASE_NOT_FOUND", absl::StrCat("database \"", word, "\" not found"),
                   near.empty() ? "see backupctl database list" : absl::StrCat("did you mean ", ShellWord(near), "?"),
                   {{"database", std::string(word)}});
}

}  // namespace

absl::StatusOr<std::string> MatchDatabase(absl::string_view word, const std::vector<std::string>& names) {
  std::vector<std::string> by_pair;
  std::vector<std::string> by_database;
  for (const std::string& name : names) {
    if (name == word) return name;
    const absl::StatusOr<DatabaseId> id = ParseDatabaseName(name);
    if (!id.ok()) continue;
    const std::string encoded = EncodeSegment(id->database);
    if (word == absl::StrCat(id->agent, "/", id->database) || word == absl::StrCat(id->agent, "/", encoded)) {
      by_pair.push_back(name);
    }
    if (word == id->database || word == encoded) by_database.push_back(name);
  }
  const std::vector<std::string>& matches = by_pair.empty() ? by_database : by_pair;
  if (matches.empty()) return NoneFits(word, names);
  if (matches.size() > 1) return Ambiguous(word, matches);
  return matches[0];
}

absl::StatusOr<std::string> ResolveDatabase(Client& client, const std::string& word) {
  if (ParseDatabaseName(word).ok()) return word;
  ASSIGN_OR_RETURN(const Listed<v1::Database> listed,
                   ListPages(client, &v1::AgentService::Stub::ListDatabases, v1::ListDatabasesRequest(),
                             &v1::ListDatabasesResponse::databases, 0));
  std::vector<std::string> names;
  for (const v1::Database& database : listed.items) names.push_back(database.name());
  return MatchDatabase(word, names);
}

}  // namespace backup::ctl
