// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "agent/pipeline/job.h"

namespace backup::agent {

// Where a database is and how to log in, taken apart by libpq's own parser and checked, so that it can be passed on
// without a second meaning: a database *named* "dbname=x" stays a name. A value type.
class Conninfo {
 public:
  // Reads the password file too. INVALID_ARGUMENT with reason WRONG_DATABASE for a string that is malformed or whose
  // parts look as if a password with special characters was cut in pieces; its message never quotes the string. AUTH
  // when the password file cannot be read. User and database are filled in when missing, from the process's user as
  // libpq does.
  static absl::StatusOr<Conninfo> Parse(const ConnectionTarget& target);

  const std::string& dbname() const { return parameters_.at("dbname"); }
  const std::string& user() const { return parameters_.at("user"); }
  // "" when none was given; a secret.
  const std::string& password() const { return password_; }

  // The same server, another database.
  Conninfo WithDatabase(const std::string& dbname) const;
  // Without a password: for servers that want none.
  Conninfo AsUser(const std::string& user) const;

  // For messages: `database "x" at host:5432 as user "y"`; clean text, without secrets.
  std::string Describe() const;

  // Keyword string for a child: every value quoted, no password; `passfile` is the path the child finds it at, "" for
  // none.
  std::string ForChild(absl::string_view passfile, absl::string_view application_name) const;

  // Keyword string with nothing but the database, for a child's option that takes a name but reads it as a connection
  // string when it looks like one.
  std::string ForDatabaseName() const;

  // For PQconnectStartParams in this process; holds the password.
  std::vector<std::pair<std::string, std::string>> ForLibpq(absl::string_view application_name) const;

  // `text` without the password, raw or percent-encoded. A second line of defence for what servers and children say.
  std::string Scrub(absl::string_view text) const;

 private:
  Conninfo() = default;
  std::map<std::string, std::string> parameters_;  // Without the password.
  std::string password_;
};

// Removes the variables that libpq reads (PGHOST, PGPASSWORD, PGSERVICE ...) from this process, so that only what the
// agent's own file says decides where a connection goes. Call in main, before any thread starts.
void ClearLibpqEnvironment();

}  // namespace backup::agent
