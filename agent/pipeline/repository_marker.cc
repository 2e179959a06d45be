// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/repository_marker.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "agent/pipeline/job_failure.h"
#include "agent/pipeline/repository.h"
#include "base/errors.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "base/units.h"

namespace backup::agent {
namespace {

constexpr char kMountHint[] = "mount the volume, or make a new repository there with backup-agent init-repository DIR";
constexpr int kFormatVersion = 1;

}  // namespace

std::string FormatMarker(absl::string_view id, absl::Time create_time) {
  const nlohmann::ordered_json marker = {
      {"formatVersion", kFormatVersion}, {"id", std::string(id)}, {"createTime", FormatRfc3339(create_time)}};
  return marker.dump() + "\n";
}

absl::Status RepositoryUnavailable(absl::string_view root, absl::string_view why, absl::string_view hint) {
  return JobError(v1::REPOSITORY_UNAVAILABLE,
                  absl::StrCat("the repository ", CleanText(root, 500), " cannot be used: ", why), hint);
}

absl::Status CheckRoot(const std::string& root) {
  struct stat info;
  if (lstat(root.c_str(), &info) != 0) {
    return RepositoryUnavailable(root, errno == ENOENT ? "it is not there" : "it cannot be looked at", kMountHint);
  }
  if (S_ISLNK(info.st_mode)) {
    return RepositoryUnavailable(root, "it is a symlink", "name the directory that it points to");
  }
  if (!S_ISDIR(info.st_mode)) {
    return RepositoryUnavailable(root, "it is not a directory", "");
  }
  if (info.st_uid != geteuid() && info.st_uid != 0) {
    return RepositoryUnavailable(root, "it belongs to another user", "give it to the agent's user: chown");
  }
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return RepositoryUnavailable(root, "others may write to it", absl::StrCat("chmod go-w ", CleanText(root, 500)));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadRepositoryId(const std::string& root) {
  RETURN_IF_ERROR(CheckRoot(root));
  absl::StatusOr<std::string> text = ReadFile(absl::StrCat(root, "/", kMarkerFile), 64 << 10);
  if (!text.ok()) {
    const bool missing = ErrorReason(text.status()) == "FILE_NOT_FOUND";
    return RepositoryUnavailable(
        root,
        missing ? absl::StrCat("its marker file ", kMarkerFile, " is not there") : std::string(text.status().message()),
        kMountHint);
  }
  const nlohmann::json marker = nlohmann::json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (!marker.is_object() || !marker.contains("id") || !marker["id"].is_string() || !marker.contains("formatVersion") ||
      !marker["formatVersion"].is_number_integer() || marker["id"].get_ref<const std::string&>().empty()) {
    return RepositoryUnavailable(root, absl::StrCat("its marker file ", kMarkerFile, " is damaged"),
                                 "put the file back from a copy; it holds the repository's id");
  }
  if (marker["formatVersion"].get<int64_t>() != kFormatVersion) {
    return RepositoryUnavailable(root, "it was made by a newer backup-agent", "upgrade this agent");
  }
  return CleanText(marker["id"].get<std::string>(), 100);
}

}  // namespace backup::agent
