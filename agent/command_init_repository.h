// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iosfwd>
#include <string>

#include "absl/time/time.h"
#include "base/random.h"

namespace backup::agent {

// `backup-agent init-repository DIR`: makes a directory a repository, so that an agent will write to it. `directory` ""
// takes BACKUP_DIR from the environment, else /backups; a relative one is taken from the working directory. Exit code:
// 0 ok (also when it was one already), 1 failed, 6 the directory holds other things or may be written by others.
int RunInitRepositoryCommand(const std::string& directory, Random& random, absl::Time now, std::ostream& out,
                             std::ostream& err);

}  // namespace backup::agent
