// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "backup/v1/agent.pb.h"
#include "backup/v1/manifest.pb.h"
#include "base/file.h"
#include "base/random.h"

namespace backup::agent {

// A directory of artifacts: <root>/<agent>/<database>/<backup id>/, names by EncodeSegment. Its marker file
// `backup-repository.json` {"formatVersion":1,"id":"…","createTime":"…"} tells a mounted repository from an empty mount
// point.
//
// A daemon holds the whole repository (<root>/.agent.lock): a second agent on it is refused, whatever its name. A
// one-shot dump holds only its part (<root>/<agent>/.lock), so that it can work beside a daemon on a bad day.
class Repository {
 public:
  // Makes the directory (0700) and its marker; OK with the id that is there when it was one already.
  // FAILED_PRECONDITION REPOSITORY_UNAVAILABLE when the directory holds other things or may be written by others.
  static absl::StatusOr<std::string> Init(const std::string& root, Random& random, absl::Time now);

  enum class Access { kDaemon, kOneShot };

  // REPOSITORY_UNAVAILABLE when the marker is missing or `expected_id` (unless "") differs; REPOSITORY_BUSY when
  // another process holds it. Refuses a root that is a symlink or that others may write to.
  static absl::StatusOr<Repository> Open(const std::string& root, absl::string_view agent, Access access,
                                         absl::string_view expected_id = "");

  const std::string& root() const { return root_; }
  const std::string& id() const { return id_; }

  // Removes what runs left of this agent's databases, and nothing else: `.partial-*` directories of backups that never
  // were, and `.removing-*` of those that a deletion did not finish. Those of `working` (ids of backups) stay, and
  // those in which something was written after `unchanged_since`. Returns what was removed.
  absl::StatusOr<std::vector<std::string>> RemoveLeftovers(const std::set<std::string>& working,
                                                           absl::Time unchanged_since);

  // Space, and the marker checked again.
  v1::RepositoryStatus Status() const;

 private:
  Repository(std::string root, std::string id, std::string agent, FileLock lock)
      : root_(std::move(root)), id_(std::move(id)), agent_(std::move(agent)), lock_(std::move(lock)) {}
  std::string root_;
  std::string id_;
  std::string agent_;
  FileLock lock_;
};

// Reads the marker of `root`; REPOSITORY_UNAVAILABLE when there is none that can be read.
absl::StatusOr<std::string> ReadRepositoryId(const std::string& root);

// Directory of one artifact.
std::string ArtifactPath(absl::string_view root, absl::string_view agent, absl::string_view database,
                         absl::string_view backup_id);

// One artifact found by looking at the directories.
struct StoredArtifact {
  std::string path;
  std::string agent;
  std::string database;
  std::string backup_id;
  absl::StatusOr<v1::Manifest> manifest;  // CORRUPT when it cannot be read.
};
// All artifacts of `agent` (of every agent when ""), newest first. Symlinks and what does not look like one are passed
// over.
absl::StatusOr<std::vector<StoredArtifact>> ListArtifacts(const std::string& root, absl::string_view agent = "");

}  // namespace backup::agent
