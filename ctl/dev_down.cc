// SPDX-License-Identifier: Apache-2.0
#include "ctl/dev_down.h"

#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "ctl/dev_context.h"
#include "ctl/dev_process.h"
#include "ctl/dev_programs.h"

namespace backup::ctl {
namespace {

absl::Status StopAll(Session& session, const DevLayout& layout) {
  struct Running {
    const char* name;
    int signal;
    absl::Duration grace;
  };
  // Those who need others go first. SIGINT is PostgreSQL's fast shutdown.
  for (const Running& one :
       {Running{"agent", SIGTERM, absl::Seconds(15)}, Running{"controller", SIGTERM, absl::Seconds(30)},
        Running{"sample", SIGINT, absl::Seconds(15)}}) {
    if (FindDetached(layout.process_file(one.name)).has_value()) session.Say(absl::StrCat("stopping the ", one.name));
    RETURN_IF_ERROR(
        StopDetached(layout.process_file(one.name), one.signal, one.grace, session.environment().interrupt));
  }
  return absl::OkStatus();
}

absl::Status RemoveTree(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  return error ? ErrnoToStatus(error.value(), absl::StrCat("cannot remove ", path.string())) : absl::OkStatus();
}

// Our agent's part of a repository; the rest of it too when we made it and nobody else put anything there.
absl::Status RemoveBackups(const DevSettings& settings) {
  const std::filesystem::path repository = settings.repository;
  RETURN_IF_ERROR(RemoveTree(repository / kDevAgentId));
  if (!settings.made_repository) return absl::OkStatus();
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(repository, error)) {
    const std::string name = entry.path().filename().string();
    if (name != "backup-repository.json" && name != ".agent.lock") return absl::OkStatus();
  }
  return RemoveTree(repository);
}

bool HoldsBackups(const DevSettings& settings) {
  std::error_code error;
  return std::filesystem::exists(std::filesystem::path(settings.repository) / kDevAgentId, error);
}

// Everything in the dev directory but `kept`, which may lie in it; then the directory itself, if it is empty.
absl::Status RemoveDirectory(const DevLayout& layout, const std::string& kept) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(layout.root, error)) {
    if (!kept.empty() && absl::StartsWith(kept + "/", entry.path().string() + "/")) continue;
    RETURN_IF_ERROR(RemoveTree(entry.path()));
  }
  rmdir(layout.root.c_str());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<DevDownReport> DevDown(Session& session, const DevLayout& layout, const DevDownOptions& options) {
  DevDownReport report;
  const absl::StatusOr<DevSettings> settings = ReadDevSettings(layout);
  if (absl::IsNotFound(settings.status())) {
    RETURN_IF_ERROR(RemoveDevContext(session, layout));
    return report;
  }
  report.was_there = true;
  ASSIGN_OR_RETURN(const FileLock lock, FileLock::Acquire(layout.lock(), absl::StrCat("the directory ", layout.root)));
  RETURN_IF_ERROR(StopAll(session, layout));
  RETURN_IF_ERROR(RemoveDevContext(session, layout));
  if (!settings.ok()) {
    // Whose the backups are is not known any more, so they stay.
    report.kept_repository = layout.own_repository();
  } else if (settings->sample || options.delete_backups) {
    RETURN_IF_ERROR(RemoveBackups(*settings));
  } else if (HoldsBackups(*settings)) {
    report.kept_repository = settings->repository;
  }
  RETURN_IF_ERROR(RemoveDirectory(layout, report.kept_repository));
  return report;
}

}  // namespace backup::ctl
