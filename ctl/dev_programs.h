// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/cancellation.h"
#include "ctl/command_environment.h"
#include "ctl/dev_layout.h"

namespace backup::ctl {

// The controller and the agent of `backupctl dev up`, which outlive this command.

// The agent's id: `agents/dev`.
inline constexpr char kDevAgentId[] = "dev";

// Paths of our own programs: beside this one, else in $PATH. NOT_FOUND PROGRAM_NOT_FOUND.
absl::StatusOr<std::string> FindProgram(const CommandEnvironment& environment, const std::string& name);

// Starts the controller unless it runs, at the address it had before; does not wait. `program` is its path.
absl::Status StartDevController(const DevLayout& layout, const std::string& program);
// Waits until it serves; returns host:port. INTERNAL DEV_CONTROLLER_FAILED with the last lines of its log.
absl::StatusOr<std::string> AwaitDevController(const DevLayout& layout, Cancellation& interrupt);

// The agent's configuration file for `settings`: YAML. It may hold a password, so its file is 0600.
std::string DevAgentConfigText(const DevLayout& layout, const DevSettings& settings);

// Makes the repository if it is none yet. Errors are the program's own words.
absl::Status InitDevRepository(const std::string& agent_program, const std::string& repository);
// Uses the one-time token; it goes through a file of mode 0600 that is removed again.
absl::Status EnrollDevAgent(const DevLayout& layout, const std::string& agent_program, const std::string& token);
// The last lines of what a program has logged, to show with an error.
std::string EndOfLog(const DevLayout& layout, const std::string& name);
// True when the agent has its identity.
bool IsDevAgentEnrolled(const DevLayout& layout);
// Writes `config` and starts the agent; one that runs with another configuration is stopped first, one that runs with
// this stays. Returns whether it was started.
absl::StatusOr<bool> EnsureDevAgent(const DevLayout& layout, const std::string& agent_program,
                                    const std::string& config, Cancellation& interrupt);

}  // namespace backup::ctl
