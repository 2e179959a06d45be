// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <system_error>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace backup {
namespace {

std::string Directory(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

absl::Status Failure(int error_number, absl::string_view verb, const std::string& path) {
  return ErrnoToStatus(error_number, absl::StrCat("cannot ", verb, " ", path));
}

absl::Status WriteAll(int fd, absl::string_view data) {
  while (!data.empty()) {
    const ssize_t count = write(fd, data.data(), data.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return ErrnoToStatus(count == 0 ? EIO : errno, "");
    data.remove_prefix(static_cast<size_t>(count));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ErrnoToStatus(int error_number, absl::string_view what) {
  absl::StatusCode code = absl::StatusCode::kInternal;
  absl::string_view reason = "IO";
  absl::string_view hint;
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
      code = absl::StatusCode::kNotFound;
      reason = "FILE_NOT_FOUND";
      break;
    case EACCES:
    case EPERM:
    case EROFS:
      code = absl::StatusCode::kPermissionDenied;
      reason = "FILE_NOT_READABLE";
      break;
    case ENOSPC:
    case EDQUOT:
      code = absl::StatusCode::kResourceExhausted;
      reason = "DISK_FULL";
      hint = "free some space there";
      break;
    default:
      break;
  }
  std::string why = std::generic_category().message(error_number);
  if (!why.empty()) why[0] = absl::ascii_tolower(why[0]);
  return MakeError(code, reason, what.empty() ? why : absl::StrCat(CleanText(what), ": ", why), hint);
}

absl::StatusOr<std::string> ReadFile(const std::string& path, size_t max_bytes) {
  const FileDescriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd.valid()) return Failure(errno, "read", path);
  struct stat info;
  if (fstat(fd.get(), &info) != 0) return Failure(errno, "read", path);
  if (!S_ISREG(info.st_mode)) {
    return MakeError(absl::StatusCode::kInternal, "IO",
                     absl::StrCat("cannot read ", CleanText(path), ": it is not a regular file"));
  }
  // Not st_size: it is 0 for what the kernel makes up, and a file may grow meanwhile.
  std::string contents;
  std::vector<char> buffer(64 << 10);
  while (true) {
    const ssize_t count = read(fd.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Failure(errno, "read", path);
    if (count == 0) return contents;
    contents.append(buffer.data(), static_cast<size_t>(count));
    if (contents.size() > max_bytes) {
      return MakeError(absl::StatusCode::kResourceExhausted, "FILE_TOO_LARGE",
                       absl::StrCat("cannot read ", CleanText(path), ": it is larger than ", max_bytes, " bytes"));
    }
  }
}

absl::Status WriteFileAtomically(const std::string& path, absl::string_view contents, int mode) {
  std::string temporary = path + ".XXXXXX";
  FileDescriptor fd(mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd.valid()) return Failure(errno, "write", path);
  absl::Status status = WriteAll(fd.get(), contents);
  if (status.ok() && fchmod(fd.get(), static_cast<mode_t>(mode)) != 0) status = ErrnoToStatus(errno, "");
  if (status.ok() && fsync(fd.get()) != 0) status = ErrnoToStatus(errno, "");
  if (status.ok() && close(fd.Release()) != 0) status = ErrnoToStatus(errno, "");
  if (status.ok() && rename(temporary.c_str(), path.c_str()) != 0) status = ErrnoToStatus(errno, "");
  if (!status.ok()) {
    unlink(temporary.c_str());
    return Annotate(status, absl::StrCat("cannot write ", CleanText(path)));
  }
  return SyncDirectory(Directory(path));
}

absl::Status MakeDirectories(const std::string& path, int mode) {
  if (mkdir(path.c_str(), static_cast<mode_t>(mode)) == 0) return SyncDirectory(Directory(path));
  if (errno == ENOENT && Directory(path) != path) {
    RETURN_IF_ERROR(MakeDirectories(Directory(path), mode));
    if (mkdir(path.c_str(), static_cast<mode_t>(mode)) == 0) return SyncDirectory(Directory(path));
  }
  const int error_number = errno;
  struct stat info;
  if (error_number == EEXIST && stat(path.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode)) return absl::OkStatus();
    return Failure(ENOTDIR, "make directory", path);
  }
  return Failure(error_number, "make directory", path);
}

absl::Status SyncDirectory(const std::string& path) {
  const FileDescriptor fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid() || fsync(fd.get()) != 0) return Failure(errno, "sync directory", path);
  return absl::OkStatus();
}

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  if (this != &other) {
    Reset();
    fd_ = other.Release();
  }
  return *this;
}

int FileDescriptor::Release() { return std::exchange(fd_, -1); }

void FileDescriptor::Reset() {
  if (fd_ >= 0) close(std::exchange(fd_, -1));
}

absl::StatusOr<FileLock> FileLock::Acquire(const std::string& path, absl::string_view what) {
  FileDescriptor fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
  if (!fd.valid()) return Failure(errno, "lock", path);
  if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return Failure(errno, "lock", path);
    char owner[32] = {};
    const ssize_t count = pread(fd.get(), owner, sizeof(owner) - 1, 0);
    const absl::string_view pid =
        absl::StripAsciiWhitespace(absl::string_view(owner, count > 0 ? static_cast<size_t>(count) : 0));
    return MakeError(absl::StatusCode::kFailedPrecondition, "LOCKED",
                     absl::StrCat(CleanText(what), " is in use by process ", pid.empty() ? "?" : CleanText(pid, 32)),
                     "stop that one first", {{"pid", std::string(pid)}, {"path", path}});
  }
  const std::string pid = absl::StrCat(getpid(), "\n");
  if (ftruncate(fd.get(), 0) != 0 || pwrite(fd.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    return Failure(errno, "write", path);
  }
  return FileLock(std::move(fd));
}

}  // namespace backup
