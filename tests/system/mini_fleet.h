// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/cancellation.h"
#include "ctl/client.h"
#include "tests/system/mini_agent.h"
#include "tests/system/program.h"
#include "tests/testing/temp_dir.h"

namespace backup::testing {

struct MiniFleetOptions {
  // Catalog of the controller, a libpq URL without a password. Default: the embedded one.
  std::string catalog_url;
  // How long a lease lasts after each report. Default: 10 s, a sixth of the product's, so that stories with a dead
  // agent are short and a slow machine still is not taken for a dead one.
  absl::Duration lease_duration = absl::Seconds(10);
  // How often agents report progress. Default: 500 ms.
  absl::Duration progress_interval = absl::Milliseconds(500);
  // Flags of backup-controller beyond these.
  std::vector<std::string> controller_flags;
  // Its environment beyond PATH and HOME.
  Environment controller_environment;
};

// A whole fleet on this machine, of the real programs: a controller with its catalog, its own CA and a free port,
// agents enrolled as people enrol them, and backupctl as its administrator. Everything lies in one temporary directory,
// runs with a clean environment, and dies with this process.
//
// Errors of the fleet itself come as a Status; what backupctl says comes as it is. Not thread-safe.
class MiniFleet {
 public:
  // A serving controller, no agent.
  static absl::StatusOr<std::unique_ptr<MiniFleet>> Create(MiniFleetOptions options = {});
  // Stops everything and removes all files.
  ~MiniFleet();
  MiniFleet(const MiniFleet&) = delete;
  MiniFleet& operator=(const MiniFleet&) = delete;

  // The controller's process. Kill, pause or stop it as the story wants.
  Daemon& controller() { return *controller_; }
  // Starts it again, at the same address; returns when it serves. It must not run.
  absl::Status RestartController();
  // "127.0.0.1:PORT".
  const std::string& controller_address() const { return controller_address_; }

  // Makes a token with backupctl, a repository and an identity with backup-agent, and starts the agent. Borrowed.
  absl::StatusOr<MiniAgent*> AddAgent(MiniAgentOptions options);

  // Runs backupctl.
  CommandResult Ctl(const std::vector<std::string>& arguments, const std::string& input = "",
                    absl::Duration timeout = absl::Seconds(60)) const;
  // The same with `-o json`; an error unless it exits 0 and prints JSON.
  absl::StatusOr<nlohmann::json> CtlJson(std::vector<std::string> arguments) const;
  // The services themselves, as the administrator; deadline 10 s.
  ctl::Client& client();

  // Waits until the agent has reported the database; returns its resource name.
  absl::StatusOr<std::string> AwaitDatabase(absl::string_view agent_id, absl::string_view database,
                                            absl::Duration timeout = absl::Seconds(30));
  // Asks for a backup of `database` (a resource name); does not wait.
  absl::StatusOr<v1::Run> RequestBackup(const std::string& database);
  // Follows `run` until `done` says so. Also across a controller that is away for a while.
  absl::StatusOr<v1::Run> AwaitRun(const std::string& run, const std::function<bool(const v1::Run&)>& done,
                                   absl::Duration timeout = absl::Seconds(60));
  // Until it has ended.
  absl::StatusOr<v1::Run> AwaitEnd(const std::string& run, absl::Duration timeout = absl::Seconds(60));
  // The newest runs, newest first; at most 1000.
  absl::StatusOr<std::vector<v1::Run>> ListRuns(const v1::RunFilter& filter = {});
  // The newest backups, newest first; at most 1000.
  absl::StatusOr<std::vector<v1::Backup>> ListBackups(const v1::BackupFilter& filter = {});

  // Stops agents and controller as an administrator would, and tells what should not be there afterwards: an exit other
  // than 0, a process that still knows this fleet's directory, files of unfinished work.
  std::vector<std::string> StopAndFindLeftovers();

  // Where everything lies.
  const std::string& directory() const { return directory_; }
  std::string controller_directory() const { return directory_ + "/controller"; }
  std::string log_directory() const { return directory_ + "/log"; }
  // What backupctl is run with.
  Environment ctl_environment() const;
  // The last lines of all logs, to show with a failed expectation.
  std::string Logs() const;

 private:
  explicit MiniFleet(MiniFleetOptions options);
  absl::Status StartController(const std::string& listen);
  absl::Status WriteContext() const;

  const MiniFleetOptions options_;
  TempDir temp_dir_;
  const std::string directory_;
  std::string controller_address_;
  std::unique_ptr<Daemon> controller_;
  std::map<std::string, std::unique_ptr<MiniAgent>> agents_;
  Cancellation never_;
  std::unique_ptr<ctl::Client> client_;
};

// True for the states that end a run for good, LOST included.
bool HasEnded(const v1::Run& run);

}  // namespace backup::testing
