// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iosfwd>
#include <string>

#include "absl/time/time.h"

namespace backup::agent {

// `backup-agent enroll --token-file FILE|-`: makes this host an agent of a controller.
struct EnrollCommandOptions {
  std::string token_file;       // "-" reads standard input. The token is a secret and never a flag.
  std::string state_directory;  // "" takes BACKUP_STATE_DIR from the environment, else /var/lib/backup-agent.
  absl::Duration timeout = absl::Seconds(30);  // Of the call to the controller.
};

// Exit code: 0 enrolled (or was before, by the same controller under the same name), 1 failed, 2 no token, 4 the token
// was not accepted, 5 the controller cannot be reached, 6 enrolled otherwise already.
int RunEnrollCommand(const EnrollCommandOptions& options, std::istream& in, std::ostream& out, std::ostream& err);

}  // namespace backup::agent
