// SPDX-License-Identifier: Apache-2.0
#include "agent/rpc/command_run.h"

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <ostream>
#include <system_error>
#include <thread>
#include <utility>

#include "agent/agent.h"
#include "agent/command_error.h"
#include "agent/config.h"
#include "agent/pipeline/database_probe.h"
#include "agent/pipeline/pg_programs.h"
#include "agent/rpc/grpc_controller_link.h"
#include "agent/rpc/identity.h"
#include "base/log.h"
#include "base/status_macros.h"

namespace backup::agent {
namespace {

std::optional<std::string> Variable(absl::string_view name) {
  const char* value = std::getenv(std::string(name).c_str());
  return value == nullptr || *value == '\0' ? std::nullopt : std::optional<std::string>(value);
}

absl::StatusOr<AgentConfig> LoadConfig(const RunCommandOptions& options) {
  absl::StatusOr<AgentConfig> config =
      options.config_file.empty() ? AgentConfigFromEnvironment(Variable) : LoadAgentConfig(options.config_file);
  RETURN_IF_ERROR(config.status());
  if (!options.state_directory.empty()) {
    std::error_code error;
    config->state_directory = std::filesystem::absolute(options.state_directory, error).lexically_normal().string();
  }
  return config;
}

absl::StatusOr<std::unique_ptr<Agent>> MakeAgent(const RunCommandOptions& options) {
  ASSIGN_OR_RETURN(AgentConfig config, LoadConfig(options));
  const std::string identity_directory = IdentityDirectory(config.state_directory);
  ASSIGN_OR_RETURN(const Identity identity, LoadIdentity(identity_directory));
  LogInfo("agent starts", {{"agent", identity.agent_id},
                           {"controller", identity.controller_address},
                           {"state_directory", config.state_directory},
                           {"repository", config.repository}});
  Agent::Options agent_options;
  agent_options.config = std::move(config);
  agent_options.agent_id = identity.agent_id;
  const std::string pg_bindir = agent_options.config.pg_bindir;
  return Agent::Create(
      std::move(agent_options),
      {std::make_unique<GrpcControllerLink>(identity_directory),
       [](const ConnectionTarget& target, Cancellation& cancellation) {
         return ProbeDatabase(target, ProbeOptions(), &cancellation);
       },
       [pg_bindir](const DatabaseFacts& facts) {
         PgProgramsOptions programs;
         programs.bindir = pg_bindir;
         return FindPgPrograms(VersionFromNumber(facts.identity.server_version_num()), programs).status();
       },
       nullptr, Clock::Real(), Random::Real()});
}

// Ends the process when stopping takes too long: a disk that hangs must not hold up a shutdown. The journal and the
// spool tell the next start what was going on.
class StopWatchdog {
 public:
  explicit StopWatchdog(absl::Duration limit) : thread_([this, limit] { Watch(limit); }) {}
  ~StopWatchdog() {
    {
      MutexLock lock(mu_);
      done_ = true;
      changed_.NotifyAll();
    }
    thread_.join();
  }

 private:
  void Watch(absl::Duration limit) {
    const absl::Duration end = Clock::Real().Monotonic() + limit;
    MutexLock lock(mu_);
    while (!done_) {
      const absl::Duration left = end - Clock::Real().Monotonic();
      if (left <= absl::ZeroDuration()) {
        LogError("work did not end in time; leaving it", {{"limit", limit}});
        std::_Exit(1);
      }
      changed_.WaitFor(mu_, left);
    }
  }

  Mutex mu_;
  CondVar changed_;
  bool done_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace

int RunRunCommand(const RunCommandOptions& options, StopSignal& stop, std::ostream& err) {
  absl::StatusOr<std::unique_ptr<Agent>> agent = MakeAgent(options);
  if (!agent.ok()) {
    if (Variable("LOG_FILE").has_value()) {  // Else the log is where `err` is.
      LogError("agent not started", {{"error", agent.status()}});
    }
    return PrintCommandError(agent.status(), err);
  }
  (*agent)->Start();
  const int signal_number = stop.Wait();
  LogInfo("stopping", {{"signal", signal_number}});
  {
    const StopWatchdog watchdog(options.stop_grace);
    if (!(*agent)->Stop(options.stop_grace - absl::Seconds(1))) {
      LogError("work did not end in time; leaving it", {{"limit", options.stop_grace}});
      std::_Exit(1);
    }
    agent->reset();
  }
  LogInfo("stopped");
  return 0;
}

}  // namespace backup::agent
