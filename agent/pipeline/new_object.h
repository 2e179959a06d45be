// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "agent/pipeline/database_properties.h"
#include "agent/pipeline/pg_session.h"
#include "backup/v1/manifest.pb.h"

namespace backup::agent {

// What a restore makes under a name that says what it is, and drops again unless it was given its final name. The
// session must outlive it, and no other session may be using what it made.

class NewDatabase {
 public:
  NewDatabase(PgSession& session, std::string temporary);
  ~NewDatabase();
  NewDatabase(const NewDatabase&) = delete;
  NewDatabase& operator=(const NewDatabase&) = delete;

  const std::string& temporary() const { return temporary_; }
  // As CreateDatabaseLike. RESTORE_REFUSED when one that was left behind is in the way.
  absl::Status CreateLike(const v1::DatabaseIdentity& original, const v1::DatabaseProperties& properties);
  // Gives it its name and `properties` at once. What the server refuses of these is left out and told, a line each.
  // RESTORE_REFUSED when the name was taken meanwhile.
  absl::Status KeepAs(const std::string& name, const v1::DatabaseProperties& properties,
                      std::vector<std::string>* left_out);

 private:
  absl::Status Execute(const std::string& sql);
  absl::Status Give(const PropertyStatement& statement);
  absl::Status RenameAndGive(const std::string& name, const v1::DatabaseProperties& properties,
                             std::vector<std::string>* left_out);

  PgSession& session_;
  const std::string temporary_;
  bool made_ = false;
};

// The same of a schema in the session's database.
class NewSchema {
 public:
  NewSchema(PgSession& session, std::string temporary);
  ~NewSchema();
  NewSchema(const NewSchema&) = delete;
  NewSchema& operator=(const NewSchema&) = delete;

  const std::string& temporary() const { return temporary_; }
  // RESTORE_REFUSED when one that was left behind is in the way.
  absl::Status Create();
  absl::Status KeepAs(const std::string& name);

 private:
  PgSession& session_;
  const std::string temporary_;
  bool made_ = false;
};

}  // namespace backup::agent
