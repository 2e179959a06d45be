// SPDX-License-Identifier: Apache-2.0
#include "server/domain/selector.h"

#include <algorithm>
#include <string>

#include "base/resource_name.h"
#include "base/text.h"

namespace backup::server {
namespace {

bool GlobOrAnyMatches(const std::string& pattern, const std::string& text) {
  return pattern.empty() || GlobMatch(pattern, text);
}

}  // namespace

bool Selects(const v1::DatabaseSelector& selector, const v1::Database& database) {
  const absl::StatusOr<DatabaseId> id = ParseDatabaseName(database.name());
  if (!id.ok() || !GlobOrAnyMatches(selector.agent(), id->agent) ||
      !GlobOrAnyMatches(selector.database(), id->database)) {
    return false;
  }
  if (std::any_of(selector.exclude().begin(), selector.exclude().end(),
                  [&](const std::string& pattern) { return GlobMatch(pattern, id->database); })) {
    return false;
  }
  return std::all_of(selector.labels().begin(), selector.labels().end(), [&](const auto& label) {
    const auto found = database.labels().find(label.first);
    return found != database.labels().end() && found->second == label.second;
  });
}

bool Covers(const v1::PolicySpec& spec, const v1::Database& database) {
  return std::any_of(spec.databases().begin(), spec.databases().end(),
                     [&](const v1::DatabaseSelector& selector) { return Selects(selector, database); });
}

}  // namespace backup::server
