// SPDX-License-Identifier: Apache-2.0
#include "ctl/dev_up.h"

#include <unistd.h>

#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/file.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "base/units.h"
#include "ctl/dev_context.h"
#include "ctl/dev_first_backup.h"
#include "ctl/dev_policy.h"
#include "ctl/dev_process.h"
#include "ctl/dev_programs.h"
#include "ctl/dev_sample.h"

namespace backup::ctl {
namespace {

constexpr absl::Duration kFirstBackupTimeout = absl::Hours(6);

// What this call is to see to, after flags, environment and the call before have had their say.
absl::StatusOr<DevSettings> ChooseSettings(const CommandEnvironment& environment, const DevLayout& layout,
                                           const DevUpOptions& options) {
  const absl::StatusOr<DevSettings> before = ReadDevSettings(layout);
  if (!before.ok() && !absl::IsNotFound(before.status())) return before.status();
  DevSettings settings = before.value_or(DevSettings{});

  const std::string url = !options.url.empty() ? options.url : environment.Variable("DATABASE_URL");
  if (!url.empty()) {
    settings.sample = false;
    settings.url = url;
  } else if (settings.sample) {
    settings.url = SampleUrl(layout);
  }

  std::string repository = !options.repository.empty() ? options.repository : environment.Variable("BACKUP_DIR");
  if (repository.empty()) repository = settings.repository;
  if (repository.empty()) repository = layout.own_repository();
  std::error_code error;
  repository = std::filesystem::absolute(repository, error).lexically_normal().string();
  if (repository != settings.repository) {
    settings.repository = repository;
    // A directory with something in it is somebody's, and stays when we go.
    settings.made_repository =
        !std::filesystem::exists(repository, error) || std::filesystem::is_empty(repository, error);
  }
  return settings;
}

// Makes everything that must be there before the agent, with the controller starting meanwhile.
absl::StatusOr<std::string> StartServers(Session& session, const DevLayout& layout, bool sample, bool is_root) {
  CommandEnvironment& environment = session.environment();
  ASSIGN_OR_RETURN(const std::string controller, FindProgram(environment, "backup-controller"));
  RETURN_IF_ERROR(StartDevController(layout, controller));
  if (sample) RETURN_IF_ERROR(EnsureSampleServer(layout, is_root, environment.interrupt));
  return AwaitDevController(layout, environment.interrupt);
}

// Returns the agent's one database, as the controller knows it.
absl::StatusOr<std::string> StartAgent(Session& session, const DevLayout& layout, const DevSettings& settings,
                                       Client& client) {
  CommandEnvironment& environment = session.environment();
  const std::string agent = MakeAgentName(kDevAgentId);
  ASSIGN_OR_RETURN(const std::string program, FindProgram(environment, "backup-agent"));
  RETURN_IF_ERROR(InitDevRepository(program, settings.repository));
  if (!IsDevAgentEnrolled(layout)) {
    v1::CreateEnrollmentTokenRequest request;
    request.set_agent_id(kDevAgentId);
    ASSIGN_OR_RETURN(const v1::EnrollmentToken token,
                     client.Call(&v1::AgentService::Stub::CreateEnrollmentToken, request));
    RETURN_IF_ERROR(EnrollDevAgent(layout, program, token.token()));
  }
  ASSIGN_OR_RETURN(const std::string boot_id, AgentBootId(client, agent));
  ASSIGN_OR_RETURN(const bool started,
                   EnsureDevAgent(layout, program, DevAgentConfigText(layout, settings), environment.interrupt));
  const auto runs = [&] { return FindDetached(layout.process_file("agent")).has_value(); };
  auto database = AwaitDatabase(client, agent, started ? boot_id : "", runs, absl::Seconds(60));
  if (ErrorReason(database.status()) != "DEV_AGENT_FAILED") return database;
  return MakeError(database.status().code(), "DEV_AGENT_FAILED",
                   absl::StrCat(database.status().message(), "; ", EndOfLog(layout, "agent")),
                   absl::StrCat("see ", layout.log_of("agent")));
}

}  // namespace

absl::StatusOr<DevReport> DevUp(Session& session, const DevLayout& layout, const DevUpOptions& options) {
  CommandEnvironment& environment = session.environment();
  const absl::Duration start = environment.clock.Monotonic();
  const bool is_root = geteuid() == 0;
  ASSIGN_OR_RETURN(const v1::Policy policy, DevPolicy(environment.variables, LocalTimeZoneName(environment.variables)));
  RETURN_IF_ERROR(PrepareDevDirectory(layout.root, is_root));
  ASSIGN_OR_RETURN(const FileLock lock, FileLock::Acquire(layout.lock(), absl::StrCat("the directory ", layout.root)));
  RETURN_IF_ERROR(MakeDirectories(layout.log_directory()));
  ASSIGN_OR_RETURN(const DevSettings settings, ChooseSettings(environment, layout, options));
  RETURN_IF_ERROR(WriteDevSettings(layout, settings));

  DevReport report;
  report.repository = settings.repository;
  session.Say(settings.sample ? "starting the controller and a sample database" : "starting the controller");
  ASSIGN_OR_RETURN(report.controller, StartServers(session, layout, settings.sample, is_root));
  const Context context = DevContext(layout, report.controller);
  ASSIGN_OR_RETURN(report.is_current_context, PutDevContext(session, context));
  ASSIGN_OR_RETURN(auto channel, environment.open_channel(context));
  ASSIGN_OR_RETURN(const absl::Duration timeout, backup::ParseDuration(session.flags().timeout));
  Client client(std::move(channel), context.controller, timeout, environment.interrupt);

  session.Say("starting the agent");
  ASSIGN_OR_RETURN(report.database, StartAgent(session, layout, settings, client));
  RETURN_IF_ERROR(EnsurePolicy(client, policy).status());

  ASSIGN_OR_RETURN(std::optional<v1::Backup> backup, NewestGoodBackup(client, report.database));
  if (!backup.has_value()) {
    session.Say("making the first backup");
    ASSIGN_OR_RETURN(backup, MakeBackup(client, report.database, policy.name(), kFirstBackupTimeout));
    report.made_backup = true;
  }
  report.backup = *std::move(backup);
  report.duration = environment.clock.Monotonic() - start;
  return report;
}

}  // namespace backup::ctl
