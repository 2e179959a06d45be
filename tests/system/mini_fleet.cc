// SPDX-License-Identifier: Apache-2.0
#include "tests/system/mini_fleet.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/clock.h"
#include "base/errors.h"
#include "base/file.h"
#include "base/resource_name.h"
#include "base/rpc/tls.h"
#include "base/status_macros.h"
#include "base/units.h"
#include "tests/system/eventually.h"
#include "tests/system/process_table.h"

namespace backup::testing {
namespace {

constexpr absl::Duration kServingTimeout = absl::Seconds(60);

std::string LastLines(const std::string& text, size_t count) {
  std::vector<std::string> lines = absl::StrSplit(text, '\n');
  if (lines.size() > count) lines.erase(lines.begin(), lines.end() - static_cast<ptrdiff_t>(count));
  return absl::StrJoin(lines, "\n");
}

// Whether a call that failed so is worth repeating: the controller was away, or is not there yet.
bool IsAway(const absl::Status& status) {
  return status.code() == absl::StatusCode::kUnavailable || status.code() == absl::StatusCode::kDeadlineExceeded;
}

}  // namespace

bool HasEnded(const v1::Run& run) {
  switch (run.state()) {
    case v1::SUCCEEDED:
    case v1::FAILED:
    case v1::CANCELLED:
    case v1::LOST:
    case v1::MISSED:
    case v1::SKIPPED:
      return true;
    default:
      return false;
  }
}

MiniFleet::MiniFleet(MiniFleetOptions options) : options_(std::move(options)), directory_(temp_dir_.path()) {}

absl::StatusOr<std::unique_ptr<MiniFleet>> MiniFleet::Create(MiniFleetOptions options) {
  std::unique_ptr<MiniFleet> fleet(new MiniFleet(std::move(options)));
  // The embedded catalog's unprivileged user has to pass through.
  if (chmod(fleet->directory_.c_str(), 0711) != 0) return ErrnoToStatus(errno, "chmod " + fleet->directory_);
  RETURN_IF_ERROR(MakeDirectories(fleet->log_directory()));
  RETURN_IF_ERROR(fleet->StartController("127.0.0.1:0"));
  RETURN_IF_ERROR(fleet->WriteContext());
  return fleet;
}

MiniFleet::~MiniFleet() {
  client_.reset();
  agents_.clear();
  // Its own way out first: a killed controller leaves its catalog to die a moment later, in a directory that is going.
  if (controller_ != nullptr) controller_->Stop();
}

absl::Status MiniFleet::StartController(const std::string& listen) {
  const std::string address_file = controller_directory() + "/address";
  std::error_code ignored;
  std::filesystem::remove(address_file, ignored);
  std::vector<std::string> argv = {ProgramPath("backup-controller"),
                                   "--data-dir",
                                   controller_directory(),
                                   "--listen",
                                   listen,
                                   "--lease-duration",
                                   backup::FormatDuration(options_.lease_duration),
                                   "--progress-interval",
                                   backup::FormatDuration(options_.progress_interval)};
  if (!options_.catalog_url.empty()) argv.insert(argv.end(), {"--catalog", options_.catalog_url});
  argv.insert(argv.end(), options_.controller_flags.begin(), options_.controller_flags.end());
  Environment environment = {{"PATH", "/usr/bin:/bin"}, {"HOME", directory_}};
  environment.insert(environment.end(), options_.controller_environment.begin(), options_.controller_environment.end());
  ASSIGN_OR_RETURN(controller_, Daemon::Start(argv, environment, log_directory() + "/controller.log"));
  const bool answered = Eventually(
      kServingTimeout, [&] { return std::filesystem::exists(address_file, ignored) || !controller_->running(); });
  const absl::StatusOr<std::string> address = ReadFile(address_file);
  if (!answered || !address.ok()) {
    return absl::InternalError(absl::StrCat("the controller does not serve:\n", Logs()));
  }
  controller_address_ = std::string(absl::StripAsciiWhitespace(*address));
  return absl::OkStatus();
}

absl::Status MiniFleet::RestartController() { return StartController(controller_address_); }

absl::Status MiniFleet::WriteContext() const {
  const std::string admin = controller_directory() + "/admin";
  return WriteFileAtomically(
      directory_ + "/backupctl.yaml",
      absl::StrCat("currentContext: test\ncontexts:\n  - name: test\n    controller: \"", controller_address_,
                   "\"\n    ca: \"", admin, "/ca.crt\"\n    certificate: \"", admin, "/client.crt\"\n    key: \"",
                   admin, "/client.key\"\n"));
}

absl::StatusOr<MiniAgent*> MiniFleet::AddAgent(MiniAgentOptions options) {
  const std::string id = options.id;
  ASSIGN_OR_RETURN(const nlohmann::json token, CtlJson({"agent", "enroll", id}));
  if (!token.contains("token")) return absl::InternalError("backupctl agent enroll printed no token");
  const std::string directory = absl::StrCat(directory_, "/agent-", id);
  ASSIGN_OR_RETURN(agents_[id], MiniAgent::Create(std::move(options), token["token"].get<std::string>(), directory,
                                                  absl::StrCat(log_directory(), "/agent-", id, ".log")));
  RETURN_IF_ERROR(agents_[id]->Start());
  return agents_[id].get();
}

Environment MiniFleet::ctl_environment() const {
  return {{"PATH", "/usr/bin:/bin"}, {"HOME", directory_}, {"BACKUPCTL_CONFIG", directory_ + "/backupctl.yaml"}};
}

CommandResult MiniFleet::Ctl(const std::vector<std::string>& arguments, const std::string& input,
                             absl::Duration timeout) const {
  std::vector<std::string> argv = {ProgramPath("backupctl")};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return RunCommand(argv, {.environment = ctl_environment(), .input = input, .timeout = timeout});
}

absl::StatusOr<nlohmann::json> MiniFleet::CtlJson(std::vector<std::string> arguments) const {
  arguments.insert(arguments.end(), {"-o", "json"});
  const CommandResult result = Ctl(arguments);
  const std::string command = "backupctl " + absl::StrJoin(arguments, " ");
  if (result.exit_code != 0) {
    return absl::InternalError(absl::StrCat(command, " exited with ", result.exit_code, ": ", result.err));
  }
  nlohmann::json json = nlohmann::json::parse(result.out, nullptr, false);
  if (json.is_discarded()) return absl::InternalError(absl::StrCat(command, " printed no JSON: ", result.out));
  return json;
}

ctl::Client& MiniFleet::client() {
  if (client_ == nullptr) {
    const std::string admin = controller_directory() + "/admin";
    const auto identity = LoadTlsIdentity(admin + "/ca.crt", admin + "/client.crt", admin + "/client.key");
    // Without the files every call fails by TLS, which says so.
    client_ = std::make_unique<ctl::Client>(CreateTlsChannel(controller_address_, identity.value_or(TlsIdentity{})),
                                            controller_address_, absl::Seconds(10), never_);
  }
  return *client_;
}

absl::StatusOr<std::string> MiniFleet::AwaitDatabase(absl::string_view agent_id, absl::string_view database,
                                                     absl::Duration timeout) {
  v1::GetDatabaseRequest request;
  request.set_name(MakeDatabaseName(agent_id, database));
  absl::Status last;
  const bool found = Eventually(timeout, [&] {
    last = client().Call(&v1::AgentService::Stub::GetDatabase, request).status();
    return last.ok();
  });
  if (!found) return Annotate(last, absl::StrCat("waiting for ", request.name(), "\n", Logs()));
  return request.name();
}

absl::StatusOr<v1::Run> MiniFleet::RequestBackup(const std::string& database) {
  v1::CreateRunRequest request;
  request.mutable_run()->set_kind(v1::BACKUP);
  request.mutable_run()->set_database(database);
  return client().Call(&v1::RunService::Stub::CreateRun, request);
}

absl::StatusOr<v1::Run> MiniFleet::AwaitRun(const std::string& run, const std::function<bool(const v1::Run&)>& done,
                                            absl::Duration timeout) {
  const absl::Duration end = Clock::Real().Monotonic() + timeout;
  v1::Run last;
  absl::Status status;
  bool is_done = false;
  // The stream tells of every change; it ends with the run, and breaks with the controller.
  const bool finished = Eventually(timeout, [&] {
    v1::WatchRunRequest request;
    request.set_name(run);
    request.set_log_offset(-1);
    status = client().WatchRun(request, std::max(end - Clock::Real().Monotonic(), absl::Milliseconds(100)),
                               [&](const v1::WatchRunResponse& response) {
                                 last = response.run();
                                 is_done = done(last);
                                 return !is_done;
                               });
    return is_done || !(status.ok() || IsAway(status));
  });
  if (is_done) return last;
  if (finished) return status;
  return absl::DeadlineExceededError(absl::StrCat("waited ", absl::FormatDuration(timeout), " for ", run, "; it is:\n",
                                                  last.DebugString(), status.ToString(), "\n", Logs()));
}

absl::StatusOr<v1::Run> MiniFleet::AwaitEnd(const std::string& run, absl::Duration timeout) {
  return AwaitRun(run, HasEnded, timeout);
}

absl::StatusOr<std::vector<v1::Run>> MiniFleet::ListRuns(const v1::RunFilter& filter) {
  std::vector<v1::Run> runs;
  v1::ListRunsRequest request;
  *request.mutable_filter() = filter;
  do {
    ASSIGN_OR_RETURN(const v1::ListRunsResponse response, client().Call(&v1::RunService::Stub::ListRuns, request));
    runs.insert(runs.end(), response.runs().begin(), response.runs().end());
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return runs;
}

absl::StatusOr<std::vector<v1::Backup>> MiniFleet::ListBackups(const v1::BackupFilter& filter) {
  std::vector<v1::Backup> backups;
  v1::ListBackupsRequest request;
  *request.mutable_filter() = filter;
  do {
    ASSIGN_OR_RETURN(const v1::ListBackupsResponse response,
                     client().Call(&v1::BackupService::Stub::ListBackups, request));
    backups.insert(backups.end(), response.backups().begin(), response.backups().end());
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return backups;
}

std::vector<std::string> MiniFleet::StopAndFindLeftovers() {
  std::vector<std::string> leftovers;
  client_.reset();
  const auto stop = [&](Daemon& daemon, const std::string& name) {
    if (!daemon.running()) return;  // The story ended it.
    if (const ExitStatus ended = daemon.Stop(); !ended.ok()) {
      leftovers.push_back(absl::StrCat(name, " ", ended.ToString(), " when it was asked to stop"));
    }
  };
  for (auto& [id, agent] : agents_) {
    if (agent->started()) stop(agent->daemon(), "agent " + id);
  }
  if (controller_ != nullptr) stop(*controller_, "controller");
  // What the kernel kills with its parent is gone a moment after it.
  std::vector<ProcessEntry> processes;
  Eventually(absl::Seconds(10), [&] {
    processes = ProcessesMentioning(directory_);
    return processes.empty();
  });
  for (const ProcessEntry& process : processes) {
    std::string command = process.command_line;
    std::replace(command.begin(), command.end(), '\0', ' ');
    leftovers.push_back(absl::StrCat("process ", process.pid, ": ", command));
  }
  for (auto& [id, agent] : agents_) {
    for (const std::string& partial : agent->Partials()) leftovers.push_back("unfinished artifact " + partial);
  }
  return leftovers;
}

std::string MiniFleet::Logs() const {
  std::string logs;
  std::error_code ignored;
  for (const auto& file : std::filesystem::directory_iterator(log_directory(), ignored)) {
    absl::StrAppend(&logs, "--- ", file.path().filename().string(), "\n",
                    LastLines(ReadFile(file.path().string(), 64 << 20).value_or(""), 30), "\n");
  }
  return logs;
}

}  // namespace backup::testing
