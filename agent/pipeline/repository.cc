// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/repository.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/statvfs.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "agent/pipeline/job_failure.h"
#include "agent/pipeline/partial_directory.h"
#include "agent/pipeline/repository_marker.h"
#include "base/errors.h"
#include "base/log.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace backup::agent {
namespace {

// A file of the base library's as one of the repository's errors.
absl::Status AsUnavailable(const std::string& root, const absl::Status& status) {
  if (ErrorReason(status) == v1::FailureCause_Name(v1::DISK_FULL)) {
    return status;
  }
  return RepositoryUnavailable(root, std::string(status.message()), ErrorHint(status));
}

}  // namespace

absl::StatusOr<std::string> Repository::Init(const std::string& root, Random& random, absl::Time now) {
  if (absl::Status made = MakeDirectories(root, 0700); !made.ok()) {
    return AsUnavailable(root, made);
  }
  RETURN_IF_ERROR(CheckRoot(root));
  ASSIGN_OR_RETURN(FileDescriptor root_fd, OpenDirectory(AT_FDCWD, root));
  ASSIGN_OR_RETURN(std::vector<std::string> names, ListNames(root_fd.get()));
  for (const std::string& name : names) {
    if (name == kMarkerFile) {
      return ReadRepositoryId(root);
    }
  }
  for (const std::string& name : names) {
    if (name != "lost+found") {  // An empty ext4 volume has it.
      return RepositoryUnavailable(root, absl::StrCat("it is not empty: it holds ", CleanText(name, 200)),
                                   "name an empty directory, or one that does not exist yet");
    }
  }
  const std::string id = NewId(random);
  if (absl::Status written = WriteFileAtomically(absl::StrCat(root, "/", kMarkerFile), FormatMarker(id, now), 0600);
      !written.ok()) {
    return AsUnavailable(root, written);
  }
  return id;
}

absl::StatusOr<Repository> Repository::Open(const std::string& root, absl::string_view agent, Access access,
                                            absl::string_view expected_id) {
  ASSIGN_OR_RETURN(std::string id, ReadRepositoryId(root));
  if (!expected_id.empty() && id != expected_id) {
    return RepositoryUnavailable(root, absl::StrCat("it is another one: its id is ", id, ", expected ", expected_id),
                                 "mount the right volume");
  }
  std::string lock_path = absl::StrCat(root, "/.agent.lock");
  if (access == Access::kOneShot) {
    const std::string segment = EncodeSegment(agent);
    ASSIGN_OR_RETURN(FileDescriptor root_fd, OpenDirectory(AT_FDCWD, root));
    RETURN_IF_ERROR(OpenOrMakeDirectory(root_fd.get(), segment).status());
    lock_path = absl::StrCat(root, "/", segment, "/.lock");
  }
  absl::StatusOr<FileLock> lock = FileLock::Acquire(lock_path, absl::StrCat("repository ", CleanText(root, 500)));
  if (!lock.ok()) {
    if (ErrorReason(lock.status()) == "LOCKED") {
      return JobError(v1::REPOSITORY_BUSY, std::string(lock.status().message()),
                      "wait for it, or stop the other agent");
    }
    return AsUnavailable(root, lock.status());
  }
  return Repository(root, std::move(id), std::string(agent), *std::move(lock));
}

v1::RepositoryStatus Repository::Status() const {
  v1::RepositoryStatus status;
  status.set_path(root_);
  absl::StatusOr<std::string> id = ReadRepositoryId(root_);
  if (!id.ok()) {
    status.set_problem(std::string(id.status().message()));
    return status;
  }
  status.set_id(*id);
  if (*id != id_) {
    status.set_problem(absl::StrCat("another repository is mounted there: its id is ", *id, ", expected ", id_));
  }
  struct statvfs info;
  if (statvfs(root_.c_str(), &info) == 0) {
    status.set_total_bytes(static_cast<int64_t>(info.f_blocks) * static_cast<int64_t>(info.f_frsize));
    status.set_free_bytes(static_cast<int64_t>(info.f_bavail) * static_cast<int64_t>(info.f_frsize));
  }
  return status;
}

}  // namespace backup::agent
