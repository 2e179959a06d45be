// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace backup::ctl {

// Where `backupctl dev` keeps what. A value type.
struct DevLayout {
  std::string root;

  // Held while one dev command works.
  std::string lock() const { return root + "/lock"; }
  std::string controller_directory() const { return root + "/controller"; }
  std::string agent_state_directory() const { return root + "/agent"; }
  std::string agent_config() const { return root + "/agent.yaml"; }
  // Artifacts, unless the user named another directory.
  std::string own_repository() const { return root + "/repository"; }
  // The throwaway server: data directory and socket.
  std::string sample_directory() const { return root + "/sample"; }
  std::string log_directory() const { return root + "/log"; }
  std::string log_of(const std::string& name) const { return log_directory() + "/" + name + ".log"; }
  // Who runs, by name: "controller", "agent", "sample".
  std::string process_file(const std::string& name) const { return root + "/" + name + ".pid"; }
  // What was asked for when it was made; DevSettings.
  std::string settings() const { return root + "/settings.json"; }
};

// $XDG_DATA_HOME/backupctl/dev, else $HOME/.local/share/backupctl/dev; for root /var/lib/backupctl-dev, because the
// unprivileged user of PostgreSQL has to reach it. FAILED_PRECONDITION NO_HOME when no variable says.
absl::StatusOr<std::string> DefaultDevDirectory(const std::map<std::string, std::string>& variables, bool is_root);

// What a dev installation was made with, so that a later call without flags means the same. Its file is 0600: the URL
// may hold a password.
struct DevSettings {
  // True: the throwaway server; false: a database of the user's.
  bool sample = true;
  // libpq URL of the database.
  std::string url;
  // Directory of the artifacts.
  std::string repository;
  // True when `dev up` made the repository, false when it was there.
  bool made_repository = false;
};
// NOT_FOUND FILE_NOT_FOUND when there is none.
absl::StatusOr<DevSettings> ReadDevSettings(const DevLayout& layout);
absl::Status WriteDevSettings(const DevLayout& layout, const DevSettings& settings);

// OK when `directory` (made if missing, mode 0700; 0711 for root) can be reached by other users where that is needed:
// as root, every directory above it must let others pass. FAILED_PRECONDITION DEV_DIRECTORY_CLOSED names the one that
// does not.
absl::Status PrepareDevDirectory(const std::string& directory, bool is_root);

}  // namespace backup::ctl
