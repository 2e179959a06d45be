// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iosfwd>
#include <string>

#include "absl/time/time.h"

namespace backup::agent {

// `backup-agent list --repository DIR`: what is stored there, by looking at the directories.
struct ListCommandOptions {
  std::string repository;        // "" takes BACKUP_DIR from the environment, else /backups.
  std::string output = "table";  // table, json (an array of manifests) or name (paths).
};

// Exit code: 0 ok, 1 failed, 2 usage, 6 there is no repository. An artifact whose manifest cannot be read is listed as
// BAD.
int RunListCommand(const ListCommandOptions& options, absl::Time now, std::ostream& out, std::ostream& err);

}  // namespace backup::agent
