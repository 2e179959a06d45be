// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iosfwd>
#include <string>

#include "base/cancellation.h"

namespace backup::agent {

// `backup-agent verify ARTIFACT_DIR`: reads a stored backup back and holds it against its manifest.
struct VerifyCommandOptions {
  std::string artifact_directory;
  std::string output = "table";  // table or json.
};

// Exit code: 0 all agrees, 1 could not be read, 2 usage, 3 there is no such directory, 8 the backup is bad (the message
// names file and offset), 130 interrupted.
int RunVerifyCommand(const VerifyCommandOptions& options, Cancellation& cancellation, std::ostream& out,
                     std::ostream& err);

}  // namespace backup::agent
