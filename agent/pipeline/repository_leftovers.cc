// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "agent/pipeline/artifact_files.h"
#include "agent/pipeline/partial_directory.h"
#include "agent/pipeline/repository.h"
#include "base/log.h"
#include "base/resource_name.h"
#include "base/status_macros.h"

namespace backup::agent {
namespace {

FileDescriptor TryOpen(int parent_fd, const std::string& name) {
  return FileDescriptor(openat(parent_fd, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

// Id of the backup that a leftover of this name is of; "" for anything else.
std::string LeftoverId(absl::string_view name) {
  if (!absl::ConsumePrefix(&name, kPartialPrefix) && !absl::ConsumePrefix(&name, kRemovingPrefix)) {
    return "";
  }
  return IsValidBackupId(name) ? std::string(name) : "";
}

// When something in the directory was last written; InfiniteFuture when that cannot be told.
absl::Time LastWritten(int parent_fd, const std::string& name) {
  const FileDescriptor fd = TryOpen(parent_fd, name);
  struct stat info;
  if (!fd.valid() || fstat(fd.get(), &info) != 0) {
    return absl::InfiniteFuture();
  }
  absl::Time last = absl::TimeFromTimespec(info.st_mtim);
  const absl::StatusOr<std::vector<std::string>> files = ListNames(fd.get());
  if (!files.ok()) {
    return absl::InfiniteFuture();
  }
  for (const std::string& file : *files) {
    if (fstatat(fd.get(), file.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) {
      last = std::max(last, absl::TimeFromTimespec(info.st_mtim));
    }
  }
  return last;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> Repository::RemoveLeftovers(const std::set<std::string>& working,
                                                                     absl::Time unchanged_since) {
  std::vector<std::string> removed;
  ASSIGN_OR_RETURN(const FileDescriptor root_fd, OpenDirectory(AT_FDCWD, root_));
  const std::string agent = EncodeSegment(agent_);
  const FileDescriptor agent_fd = TryOpen(root_fd.get(), agent);
  if (!agent_fd.valid()) {
    return removed;
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> databases, ListNames(agent_fd.get()));
  for (const std::string& database : databases) {
    const FileDescriptor database_fd = TryOpen(agent_fd.get(), database);
    if (!database_fd.valid()) {
      continue;
    }
    ASSIGN_OR_RETURN(const std::vector<std::string> names, ListNames(database_fd.get()));
    for (const std::string& name : names) {
      const std::string id = LeftoverId(name);
      if (id.empty() || working.contains(id) || LastWritten(database_fd.get(), name) > unchanged_since) {
        continue;
      }
      const std::string path = absl::StrCat(root_, "/", agent, "/", database, "/", name);
      // One that cannot be removed must not keep the agent from its work.
      if (absl::Status status = RemoveFlatDirectory(database_fd.get(), name); status.ok()) {
        removed.push_back(path);
      } else {
        LogWarning("cannot remove what a run left", {{"path", path}, {"error", status}});
      }
    }
  }
  return removed;
}

}  // namespace backup::agent
