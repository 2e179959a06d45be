// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "agent/pipeline/pg_session.h"
#include "agent/pipeline/stored_directory.h"
#include "backup/v1/manifest.pb.h"

namespace backup::agent {

// What belongs to a database and is in no dump of it: owner, comment, limit of connections, privileges, settings. In an
// artifact it is the file database.json, the protobuf JSON of one DatabaseProperties.
inline constexpr char kPropertiesFile[] = "database.json";

// Those of the session's database. The session is in a transaction, which a failure does not end; its client encoding
// is UTF8 afterwards.
absl::StatusOr<v1::DatabaseProperties> ReadDatabaseProperties(PgSession& session, absl::Duration timeout);

// A statement that gives a database one of its properties.
struct PropertyStatement {
  std::string sql;
  // What has to be loadable, or nobody could log in to the database any more.
  std::vector<std::string> libraries;
  std::string label;  // For people; without the values of settings, which may be secret.
};

// The statements for a database of that name, the owner last. What the owner may do is not reduced: a restore would
// lock itself out. Privileges that are not a database's are left out. Pure.
std::vector<PropertyStatement> PropertyStatements(const v1::DatabaseProperties& properties, absl::string_view database);

// As they are in an artifact. Nothing for one that has none: an older version made it, or could not read them; or this
// version does not understand them. Properties that it does not know are passed over. CORRUPT when the file is not that
// of the manifest.
absl::StatusOr<std::optional<v1::DatabaseProperties>> LoadDatabaseProperties(const StoredDirectory& directory,
                                                                             const v1::Manifest& manifest);

}  // namespace backup::agent
