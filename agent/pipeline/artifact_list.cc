// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "agent/pipeline/job_failure.h"
#include "agent/pipeline/manifest_file.h"
#include "agent/pipeline/partial_directory.h"
#include "agent/pipeline/repository.h"
#include "agent/pipeline/stored_directory.h"
#include "base/resource_name.h"
#include "base/status_macros.h"

namespace backup::agent {
namespace {

// Directories in `parent_fd` whose names EncodeSegment can have made: encoded name and decoded one.
std::vector<std::pair<std::string, std::string>> SegmentsIn(int parent_fd) {
  std::vector<std::pair<std::string, std::string>> segments;
  absl::StatusOr<std::vector<std::string>> names = ListNames(parent_fd);
  if (!names.ok()) {
    return segments;
  }
  for (std::string& name : *names) {
    if (absl::StatusOr<std::string> decoded = DecodeSegment(name); decoded.ok()) {
      segments.emplace_back(std::move(name), *std::move(decoded));
    }
  }
  return segments;
}

FileDescriptor TryOpenDirectory(int parent_fd, const std::string& name) {
  return FileDescriptor(openat(parent_fd, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

absl::StatusOr<v1::Manifest> ReadManifestOf(const std::string& path, const std::string& backup_id) {
  ASSIGN_OR_RETURN(StoredDirectory directory, StoredDirectory::Open(path));
  ASSIGN_OR_RETURN(std::string text, directory.ReadWhole(kManifestFile, kMaxManifestBytes, /*drop_page_cache=*/false));
  ASSIGN_OR_RETURN(v1::Manifest manifest, ParseManifest(text));
  if (manifest.backup_id() != backup_id) {
    return JobError(v1::CORRUPT, absl::StrCat(kManifestFile, ": it is that of backup ", manifest.backup_id()));
  }
  return manifest;
}

}  // namespace

std::string ArtifactPath(absl::string_view root, absl::string_view agent, absl::string_view database,
                         absl::string_view backup_id) {
  return absl::StrCat(root, "/", EncodeSegment(agent), "/", EncodeSegment(database), "/", backup_id);
}

absl::StatusOr<std::vector<StoredArtifact>> ListArtifacts(const std::string& root, absl::string_view agent) {
  RETURN_IF_ERROR(ReadRepositoryId(root).status());
  std::vector<StoredArtifact> artifacts;
  ASSIGN_OR_RETURN(FileDescriptor root_fd, OpenDirectory(AT_FDCWD, root));
  for (const auto& [agent_segment, agent_id] : SegmentsIn(root_fd.get())) {
    if (!agent.empty() && agent_id != agent) {
      continue;
    }
    const FileDescriptor agent_fd = TryOpenDirectory(root_fd.get(), agent_segment);
    if (!agent_fd.valid()) {
      continue;
    }
    for (const auto& [database_segment, database] : SegmentsIn(agent_fd.get())) {
      const FileDescriptor database_fd = TryOpenDirectory(agent_fd.get(), database_segment);
      if (!database_fd.valid()) {
        continue;
      }
      for (const auto& [backup_segment, backup_id] : SegmentsIn(database_fd.get())) {
        if (!IsValidBackupId(backup_id) || !TryOpenDirectory(database_fd.get(), backup_segment).valid()) {
          continue;
        }
        const std::string path = ArtifactPath(root, agent_id, database, backup_id);
        artifacts.push_back({path, agent_id, database, backup_id, ReadManifestOf(path, backup_id)});
      }
    }
  }
  // An id begins with its time.
  std::stable_sort(artifacts.begin(), artifacts.end(),
                   [](const StoredArtifact& a, const StoredArtifact& b) { return a.backup_id > b.backup_id; });
  return artifacts;
}

}  // namespace backup::agent
