// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iosfwd>
#include <string>

#include "base/cancellation.h"

namespace backup::agent {

// `backup-agent dump`: one backup now, without a controller.
struct DumpCommandOptions {
  std::string url;            // libpq URI or keyword string; "" takes DATABASE_URL from the environment.
  std::string password_file;  // File with the password on its first line; "" when the URL has it or none is needed.
  std::string repository;     // "" takes BACKUP_DIR from the environment, else /backups.
  std::string database_id;    // Names the artifact's directory. "" takes the name of the database.
  int jobs = 1;               // Dump processes at once, 1 to 64.
  int threads = 0;            // Threads that compress, 0 to 64; 0: as many as there are processors.
  std::string max_rate;       // Bytes for each second at most, as "50MiB"; "" for no limit.
  std::string compression = "gzip";  // gzip, gzip:1 to gzip:3, or none.
  bool globals = true;
  std::string pg_bindir;         // "": the newest installed programs that are not older than the server.
  std::string output = "table";  // table or json (the manifest).
  bool show_progress = false;    // A line every 10 s on `err`; on a terminal one that is redrawn.
};

// Writes data to `out` and talk to `err`; returns the exit code: 0 ok, 1 failed, 2 usage, 4 the database refused the
// login or the right, 5 the database could not be reached or a time ran out, 6 precondition (repository, versions,
// wrong database), 8 the read-back found damage, 130 interrupted.
int RunDumpCommand(const DumpCommandOptions& options, Cancellation& cancellation, std::ostream& out, std::ostream& err);

}  // namespace backup::agent
