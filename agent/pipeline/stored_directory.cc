// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/stored_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "agent/pipeline/job_failure.h"
#include "agent/pipeline/partial_directory.h"
#include "agent/pipeline/storage_error.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace backup::agent {
namespace {

constexpr size_t kReadBytes = 256 << 10;

absl::Status Gone(absl::string_view what) {
  return MakeError(absl::StatusCode::kNotFound, v1::FailureCause_Name(v1::CORRUPT), absl::StrCat(what, " is not there"),
                   "make a new backup; do not rely on this one");
}

absl::Status NotRegular(absl::string_view name) {
  return JobError(v1::CORRUPT, absl::StrCat(CleanText(name), " is not a regular file"));
}

// Collects a small file.
class StringSink : public ByteSink {
 public:
  absl::Status Write(absl::string_view bytes) override {
    text.append(bytes.data(), bytes.size());
    return absl::OkStatus();
  }
  absl::Status Finish() override { return absl::OkStatus(); }
  std::string text;
};

}  // namespace

absl::StatusOr<StoredDirectory> StoredDirectory::Open(const std::string& path) {
  FileDescriptor fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (fd.valid()) {
    return StoredDirectory(std::move(fd), path);
  }
  switch (errno) {
    case ENOENT:
      return Gone(absl::StrCat("directory ", CleanText(path)));
    case ENOTDIR:
    case ELOOP:
      return JobError(v1::CORRUPT, absl::StrCat(CleanText(path), " is not a directory"));
    default:
      return StorageError(errno, absl::StrCat("cannot open ", path));
  }
}

absl::StatusOr<std::vector<std::string>> StoredDirectory::Names() const { return ListNames(fd_.get()); }

absl::StatusOr<FileDescriptor> StoredDirectory::OpenFile(const std::string& name, int64_t* bytes,
                                                         bool drop_page_cache) const {
  struct stat info;
  // Looked at first: opening a device may do something.
  if (fstatat(fd_.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    return errno == ENOENT ? Gone(name) : StorageError(errno, absl::StrCat("cannot read ", path_, "/", name));
  }
  if (!S_ISREG(info.st_mode)) {
    return NotRegular(name);
  }
  FileDescriptor fd(openat(fd_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!fd.valid()) {
    return StorageError(errno, absl::StrCat("cannot read ", path_, "/", name));
  }
  if (fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return NotRegular(name);
  }
  *bytes = info.st_size;
  posix_fadvise(fd.get(), 0, 0, drop_page_cache ? POSIX_FADV_DONTNEED : POSIX_FADV_NORMAL);
  posix_fadvise(fd.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  return fd;
}

absl::StatusOr<int64_t> StoredDirectory::FileBytes(const std::string& name) const {
  int64_t bytes = 0;
  RETURN_IF_ERROR(OpenFile(name, &bytes, false).status());
  return bytes;
}

absl::StatusOr<std::string> StoredDirectory::ReadWhole(const std::string& name, size_t max_bytes,
                                                       bool drop_page_cache) const {
  ASSIGN_OR_RETURN(int64_t bytes, FileBytes(name));
  if (bytes > static_cast<int64_t>(max_bytes)) {
    return JobError(v1::CORRUPT, absl::StrCat(name, ": ", bytes, " bytes are more than it can have"));
  }
  StringSink sink;
  Cancellation never;
  RETURN_IF_ERROR(Stream(name, drop_page_cache, never, sink));
  return std::move(sink.text);
}

absl::Status StoredDirectory::Stream(const std::string& name, bool drop_page_cache, Cancellation& cancellation,
                                     ByteSink& sink) const {
  int64_t bytes = 0;
  ASSIGN_OR_RETURN(FileDescriptor fd, OpenFile(name, &bytes, drop_page_cache));
  std::string buffer(kReadBytes, '\0');
  int64_t offset = 0;
  // Not beyond the size seen at first: a file that somebody appends to would never end.
  while (offset < bytes) {
    if (cancellation.cancelled()) {
      return JobError(v1::CANCELLED_BY_USER, absl::StrCat("cancelled: ", cancellation.reason()));
    }
    const ssize_t count = read(fd.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      return StorageError(errno, absl::StrCat("cannot read ", path_, "/", name, " at offset ", offset));
    }
    if (count == 0) {
      return JobError(v1::CORRUPT, absl::StrCat(name, ": at offset ", offset, ": it was cut while it was read"));
    }
    offset += count;
    RETURN_IF_ERROR(sink.Write(absl::string_view(buffer.data(), static_cast<size_t>(count))));
  }
  return absl::OkStatus();
}

absl::Status StoredDirectory::ReadAt(const std::string& name, int64_t offset, char* buffer, size_t size) const {
  int64_t bytes = 0;
  ASSIGN_OR_RETURN(const FileDescriptor fd, OpenFile(name, &bytes, false));
  size_t filled = 0;
  while (filled < size) {
    const ssize_t count =
        pread(fd.get(), buffer + filled, size - filled, static_cast<off_t>(offset + static_cast<int64_t>(filled)));
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      return StorageError(errno, absl::StrCat("cannot read ", path_, "/", name, " at offset ", offset));
    }
    if (count == 0) {
      return JobError(v1::CORRUPT, absl::StrCat(name, ": at offset ", bytes, ": it ends too early"));
    }
    filled += static_cast<size_t>(count);
  }
  return absl::OkStatus();
}

}  // namespace backup::agent
