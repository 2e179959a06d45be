// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "agent/pipeline/artifact_files.h"
#include "agent/pipeline/job.h"
#include "agent/pipeline/job_failure.h"
#include "agent/pipeline/partial_directory.h"
#include "agent/pipeline/repository.h"
#include "agent/pipeline/storage_error.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace backup::agent {
namespace {

absl::Status NotOurs(const std::string& path, absl::string_view what) {
  return JobError(v1::UNKNOWN_FILES, absl::StrCat(CleanText(path, 500), " ", what),
                  "move it away by hand; the deletion is tried again");
}

// A directory without following a symlink; nothing when it is not there.
absl::StatusOr<FileDescriptor> OpenIfThere(int parent_fd, const std::string& name, const std::string& path) {
  FileDescriptor fd(openat(parent_fd, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (fd.valid() || errno == ENOENT) {
    return fd;
  }
  if (errno == ENOTDIR || errno == ELOOP) {
    return NotOurs(path, "is no directory");
  }
  return StorageError(errno, absl::StrCat("cannot open directory ", path));
}

absl::Status Sync(int directory_fd, const std::string& path) {
  return fsync(directory_fd) == 0 ? absl::OkStatus()
                                  : StorageError(errno, absl::StrCat("cannot make ", path, " durable"));
}

// What is in an artifact's directory, all of it files of an artifact.
absl::StatusOr<RemoveOutcome> Look(int artifact_fd, const std::string& path) {
  RemoveOutcome outcome;
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ListNames(artifact_fd));
  for (const std::string& name : names) {
    struct stat info;
    if (!IsArtifactFile(name) || fstatat(artifact_fd, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 ||
        S_ISDIR(info.st_mode)) {
      return NotOurs(path, absl::StrCat("holds ", CleanText(name, 200), ", which is no part of a backup"));
    }
    ++outcome.file_count;
    outcome.size_bytes += S_ISREG(info.st_mode) ? info.st_size : 0;
  }
  return outcome;
}

}  // namespace

absl::StatusOr<RemoveOutcome> RemoveArtifact(const RemoveRequest& request, JobObserver& observer) {
  ASSIGN_OR_RETURN(const std::string id, ReadRepositoryId(request.repository));
  if (!request.repository_id.empty() && id != request.repository_id) {
    return JobError(v1::REPOSITORY_UNAVAILABLE,
                    absl::StrCat("another repository is mounted at ", CleanText(request.repository, 500),
                                 ": its id is ", id, ", expected ", request.repository_id),
                    "mount the right volume; the deletion is tried again");
  }
  const std::string path = ArtifactPath(request.repository, request.agent, request.database, request.backup_id);
  ASSIGN_OR_RETURN(const FileDescriptor root_fd, OpenDirectory(AT_FDCWD, request.repository));
  ASSIGN_OR_RETURN(const FileDescriptor agent_fd, OpenIfThere(root_fd.get(), EncodeSegment(request.agent), path));
  if (!agent_fd.valid()) {
    observer.OnLog(absl::StrCat(path, " is not there"));
    return RemoveOutcome();
  }
  ASSIGN_OR_RETURN(const FileDescriptor parent_fd, OpenIfThere(agent_fd.get(), EncodeSegment(request.database), path));
  if (!parent_fd.valid()) {
    observer.OnLog(absl::StrCat(path, " is not there"));
    return RemoveOutcome();
  }
  RemoveOutcome outcome;
  const std::string removing = absl::StrCat(kRemovingPrefix, request.backup_id);
  ASSIGN_OR_RETURN(const FileDescriptor artifact_fd, OpenIfThere(parent_fd.get(), request.backup_id, path));
  if (artifact_fd.valid()) {
    ASSIGN_OR_RETURN(outcome, Look(artifact_fd.get(), path));
    // What an earlier attempt left must not be in the way.
    RETURN_IF_ERROR(RemoveFlatDirectory(parent_fd.get(), removing));
    // In one step it ceases to be a backup, so that nobody ever takes half of it for one.
    if (renameat(parent_fd.get(), request.backup_id.c_str(), parent_fd.get(), removing.c_str()) != 0) {
      return StorageError(errno, absl::StrCat("cannot rename ", path));
    }
    RETURN_IF_ERROR(Sync(parent_fd.get(), path));
  }
  RETURN_IF_ERROR(RemoveFlatDirectory(parent_fd.get(), removing));
  RETURN_IF_ERROR(Sync(parent_fd.get(), path));
  observer.OnLog(artifact_fd.valid() ? absl::StrCat("removed ", path, ": ", outcome.file_count, " files, ",
                                                    outcome.size_bytes, " bytes")
                                     : absl::StrCat(path, " is not there"));
  return outcome;
}

}  // namespace backup::agent
