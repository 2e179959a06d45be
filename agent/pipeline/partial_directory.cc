// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/partial_directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "agent/pipeline/storage_error.h"
#include "base/status_macros.h"

namespace backup::agent {

absl::StatusOr<FileDescriptor> OpenDirectory(int parent_fd, const std::string& name) {
  FileDescriptor fd(openat(parent_fd, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid()) {
    return StorageError(errno, absl::StrCat("cannot open directory ", name));
  }
  return fd;
}

absl::StatusOr<FileDescriptor> OpenOrMakeDirectory(int parent_fd, const std::string& name) {
  if (mkdirat(parent_fd, name.c_str(), 0700) == 0) {
    if (fsync(parent_fd) != 0) {
      return StorageError(errno, absl::StrCat("cannot make directory ", name, " durable"));
    }
  } else if (errno != EEXIST) {
    return StorageError(errno, absl::StrCat("cannot make directory ", name));
  }
  return OpenDirectory(parent_fd, name);
}

absl::StatusOr<std::vector<std::string>> ListNames(int directory_fd) {
  // A descriptor of its own: closedir closes it.
  const int fd = openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* directory = fd < 0 ? nullptr : fdopendir(fd);
  if (directory == nullptr) {
    const int error_number = errno;
    if (fd >= 0) {
      close(fd);
    }
    return StorageError(error_number, "cannot list a directory");
  }
  std::vector<std::string> names;
  while (true) {
    errno = 0;
    const struct dirent* entry = readdir(directory);
    if (entry == nullptr) {
      break;
    }
    const std::string name = entry->d_name;
    if (name != "." && name != "..") {
      names.push_back(name);
    }
  }
  const int error_number = errno;
  closedir(directory);
  if (error_number != 0) {
    return StorageError(error_number, "cannot list a directory");
  }
  std::sort(names.begin(), names.end());
  return names;
}

absl::Status RemoveFlatDirectory(int parent_fd, const std::string& name) {
  FileDescriptor directory(openat(parent_fd, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!directory.valid()) {
    return errno == ENOENT ? absl::OkStatus() : StorageError(errno, absl::StrCat("cannot open directory ", name));
  }
  ASSIGN_OR_RETURN(std::vector<std::string> names, ListNames(directory.get()));
  for (const std::string& file : names) {
    if (unlinkat(directory.get(), file.c_str(), 0) != 0 && errno != ENOENT) {
      return StorageError(errno, absl::StrCat("cannot remove ", name, "/", file));
    }
  }
  if (unlinkat(parent_fd, name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) {
    return StorageError(errno, absl::StrCat("cannot remove directory ", name));
  }
  return absl::OkStatus();
}

}  // namespace backup::agent
