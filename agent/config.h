// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "agent/pipeline/job.h"

namespace backup::agent {

// One database that the agent may back up.
struct DatabaseConfig {
  // Its id under this agent; unique. Default: the name in the URL.
  std::string id;
  // How it is called in PostgreSQL, by the URL.
  std::string database_name;
  ConnectionTarget target;
  // For the selectors of policies. Default: none.
  std::map<std::string, std::string> labels;
};

// A server to which stored backups may be restored, each into a database that is made for it.
struct RestoreTargetConfig {
  // [a-z0-9-], 1 to 63; unique.
  std::string name;
  // A database of the server, and a role that may make databases and what is in them.
  ConnectionTarget server;
};

// What the file of an agent says:
//
//   apiVersion: backup/v1
//   kind: AgentConfig
//   stateDirectory: /var/lib/backup-agent
//   repository: /backups
//   maxRuns: 2
//   pgBindir: /usr/lib/postgresql/15/bin
//   drillDirectory: /var/tmp
//   labels: {site: berlin}
//   databases:
//     - {name: orders, url: postgresql://backup@localhost/orders, passwordFile: /etc/backup/orders.pass, labels: {env:
//     prod}}
//   restoreTargets:
//     - {name: standby, url: postgresql://restore@standby/postgres, passwordFile: /etc/backup/standby.pass}
struct AgentConfig {
  // Absolute. Default: /var/lib/backup-agent.
  std::string state_directory;
  // Absolute. Default: /backups.
  std::string repository;
  // Attempts that may work at once, 1 to 64. Default: 2.
  int max_runs = 2;
  // "": the newest installed programs that are not older than the server.
  std::string pg_bindir;
  // Absolute. Where drills make their throwaway servers: there must be room for the largest database twice, and the
  // user who runs the server must be able to pass. Default: /var/tmp.
  std::string drill_directory;
  std::map<std::string, std::string> labels;
  // At least one; at most 1000.
  std::vector<DatabaseConfig> databases;
  // At most 100. Default: none, so that the controller can make no agent write to a server.
  std::vector<RestoreTargetConfig> restore_targets;
};

inline constexpr char kDefaultStateDirectory[] = "/var/lib/backup-agent";
inline constexpr char kDefaultRepository[] = "/backups";
inline constexpr char kDefaultDrillDirectory[] = "/var/tmp";

// Reads the file and checks it, its permissions and those of the password files: a file with a password in it must not
// be readable by others (0600, or 0640 when root owns it), the configuration not writable by others. INVALID_ARGUMENT
// YAML_INVALID with every mistake, each as "FILE:LINE:COLUMN: why"; FAILED_PRECONDITION CONFIG_UNSAFE; NOT_FOUND
// FILE_NOT_FOUND. No error holds a password or a URL.
absl::StatusOr<AgentConfig> LoadAgentConfig(const std::string& file);

// The same from text; looks at the password files, and at nothing else of the system.
absl::StatusOr<AgentConfig> ParseAgentConfig(absl::string_view text, absl::string_view file);

// One database, as a cron script has it: DATABASE_URL, BACKUP_DIR (default /backups), BACKUP_STATE_DIR (default
// /var/lib/backup-agent), BACKUP_DRILL_DIR (default /var/tmp). `get` returns the value of an environment variable,
// nothing when it is not set. INVALID_ARGUMENT CONFIG_INVALID naming the variable.
absl::StatusOr<AgentConfig> AgentConfigFromEnvironment(
    const std::function<std::optional<std::string>(absl::string_view)>& get);

}  // namespace backup::agent
