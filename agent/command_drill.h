// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "base/cancellation.h"

namespace backup::agent {

// `backup-agent drill`.
struct DrillCommandOptions {
  std::string artifact_directory;
  std::vector<std::string> assertions;
  std::string work_directory = "/var/tmp";
  std::string pg_bindir;
  int jobs = 2;
  std::string output = "table";
  bool show_progress = false;  // Standard error is a terminal.
};

// Returns the exit code; 8 when the backup is bad.
int RunDrillCommand(const DrillCommandOptions& options, Cancellation& cancellation, std::ostream& out,
                    std::ostream& err);

}  // namespace backup::agent
