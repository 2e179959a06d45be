// SPDX-License-Identifier: Apache-2.0
#include "agent/message_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/errors.h"
#include "base/file.h"
#include "base/log.h"
#include "base/proto_json.h"
#include "base/status_macros.h"

namespace backup::agent {
namespace {

constexpr absl::string_view kSuffix = ".json";
constexpr size_t kMaxBytes = 64 << 20;  // A manifest of 100,000 tables has some 20 MB.

}  // namespace

MessageFiles::MessageFiles(std::string directory, std::string corrupt_directory)
    : directory_(std::move(directory)), corrupt_directory_(std::move(corrupt_directory)) {}

std::string MessageFiles::PathOf(absl::string_view name) const { return absl::StrCat(directory_, "/", name, kSuffix); }

absl::Status MessageFiles::Write(absl::string_view name, const google::protobuf::Message& message) const {
  return WriteFileAtomically(PathOf(name), ToJson(message, true) + "\n");
}

absl::Status MessageFiles::Read(absl::string_view name, google::protobuf::Message* message) const {
  absl::StatusOr<std::string> text = ReadFile(PathOf(name), kMaxBytes);
  if (absl::IsNotFound(text.status())) {
    return text.status();
  }
  absl::Status status = text.ok() ? FromJson(*text, message) : text.status();
  if (status.ok()) {
    return status;
  }
  RETURN_IF_ERROR(SetAside(name, status.message()));
  return MakeError(absl::StatusCode::kDataLoss, "STATE_FILE_CORRUPT",
                   absl::StrCat(PathOf(name), ": ", status.message()));
}

bool MessageFiles::Contains(absl::string_view name) const { return access(PathOf(name).c_str(), F_OK) == 0; }

absl::Status MessageFiles::Remove(absl::string_view name) const {
  if (unlink(PathOf(name).c_str()) != 0) {
    return errno == ENOENT ? absl::OkStatus() : ErrnoToStatus(errno, absl::StrCat("cannot remove ", PathOf(name)));
  }
  return SyncDirectory(directory_);
}

absl::Status MessageFiles::MoveTo(absl::string_view name, const std::string& directory) const {
  for (int number = 1;; ++number) {
    const std::string target = number == 1 ? absl::StrCat(directory, "/", name, kSuffix)
                                           : absl::StrCat(directory, "/", name, ".", number, kSuffix);
    if (renameat2(AT_FDCWD, PathOf(name).c_str(), AT_FDCWD, target.c_str(), RENAME_NOREPLACE) == 0) {
      break;
    }
    if (errno != EEXIST) {
      return ErrnoToStatus(errno, absl::StrCat("cannot move ", PathOf(name), " to ", directory));
    }
  }
  RETURN_IF_ERROR(SyncDirectory(directory));
  return SyncDirectory(directory_);
}

absl::StatusOr<std::vector<std::string>> MessageFiles::Names() const {
  std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(directory_.c_str()), closedir);
  if (dir == nullptr) {
    return ErrnoToStatus(errno, absl::StrCat("cannot list ", directory_));
  }
  std::vector<std::string> names;
  while (const dirent* entry = readdir(dir.get())) {
    struct stat info;
    if (absl::EndsWith(entry->d_name, kSuffix) && entry->d_name[0] != '.' &&
        fstatat(dirfd(dir.get()), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(info.st_mode)) {
      names.emplace_back(absl::StripSuffix(entry->d_name, kSuffix));
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

absl::Status MessageFiles::SetAside(absl::string_view name, absl::string_view why) const {
  LogError("a state file could not be read and was set aside",
           {{"file", PathOf(name)}, {"moved_to", corrupt_directory_}, {"why", why}});
  return MoveTo(name, corrupt_directory_);
}

bool ReadMessageFile(const std::string& path, const std::string& corrupt_directory,
                     google::protobuf::Message* message) {
  const size_t slash = path.rfind('/');
  const MessageFiles files(path.substr(0, slash), corrupt_directory);
  const std::string name(absl::StripSuffix(absl::string_view(path).substr(slash + 1), kSuffix));
  const absl::Status status = files.Read(name, message);
  if (!status.ok() && !absl::IsNotFound(status)) {
    LogError("a state file is ignored", {{"file", path}, {"error", status}});
  }
  return status.ok();
}

}  // namespace backup::agent
