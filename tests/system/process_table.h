// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace backup::testing {

// One process of this machine, as /proc shows it.
struct ProcessEntry {
  pid_t pid = 0;
  pid_t parent_pid = 0;
  // Name of the program, at most 15 bytes.
  std::string name;
  // Arguments, each ended by a NUL.
  std::string command_line;
  // Environment it was started with, each ended by a NUL; empty when we may not read it.
  std::string environment;
};

// All processes, without zombies. Those that end meanwhile are left out.
std::vector<ProcessEntry> ListProcesses();

// Those whose command line or environment holds `text`; this process is left out.
std::vector<ProcessEntry> ProcessesMentioning(absl::string_view text);

// Those called `name` with `ancestor` among their parents.
std::vector<ProcessEntry> DescendantsNamed(pid_t ancestor, absl::string_view name);

}  // namespace backup::testing
