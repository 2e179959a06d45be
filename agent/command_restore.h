// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "base/cancellation.h"

namespace backup::agent {

// `backup-agent restore`.
struct RestoreCommandOptions {
  std::string artifact_directory;
  std::string url;  // "": DATABASE_URL.
  std::string password_file;
  std::string create_database;  // Exactly one of the two is given.
  std::string into_database;
  std::string into_schema;          // With into_database, which then need not be empty.
  std::vector<std::string> tables;  // "schema.table"; with none and no schema: all.
  std::vector<std::string> schemas;
  int jobs = 2;
  bool create_roles = false;
  bool ignore_tablespaces = false;
  bool prove = false;
  bool plan = false;  // Look, and change nothing.
  std::string output = "table";
  bool show_progress = false;  // Standard error is a terminal.
};

// Returns the exit code; 8 when the backup is bad, 6 when a plan found something in the way.
int RunRestoreCommand(const RestoreCommandOptions& options, Cancellation& cancellation, std::ostream& out,
                      std::ostream& err);

}  // namespace backup::agent
