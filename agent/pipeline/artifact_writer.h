// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "agent/pipeline/sha256.h"
#include "agent/pipeline/stages.h"
#include "base/file.h"

namespace backup::agent {

// One file of an artifact in the making: counts and hashes what is written. Made 0600.
class ArtifactFileWriter : public ByteSink {
 public:
  // DISK_FULL, IO. An error is final: the bytes are not written again.
  absl::Status Write(absl::string_view bytes) override;
  // Makes the contents durable and closes the file.
  absl::Status Finish() override;
  // Closes the file, which is only for now, without making it durable.
  absl::Status FinishScratch();

  int64_t stored_bytes() const { return stored_bytes_; }
  // After Finish or FinishScratch.
  const std::string& stored_sha256() const { return stored_sha256_; }

 private:
  friend class ArtifactWriter;
  ArtifactFileWriter(FileDescriptor fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  absl::Status Close();

  FileDescriptor fd_;
  const std::string path_;  // For messages.
  Sha256 hash_;
  std::string stored_sha256_;
  int64_t stored_bytes_ = 0;
  int64_t handed_to_disk_bytes_ = 0;
  absl::Status failed_;
};

// Makes an artifact in `.partial-<id>` beside its final place. Only Commit gives it its final name; the destructor
// removes what was not committed. Every step goes through open directories, so that no symlink leads elsewhere.
class ArtifactWriter {
 public:
  // IO when an artifact of this id is there already, or when a symlink stands in the way.
  static absl::StatusOr<std::unique_ptr<ArtifactWriter>> Create(const std::string& root, absl::string_view agent,
                                                                absl::string_view database,
                                                                absl::string_view backup_id);
  ~ArtifactWriter();
  ArtifactWriter(const ArtifactWriter&) = delete;
  ArtifactWriter& operator=(const ArtifactWriter&) = delete;

  // A new file. `name` is one of ours, without a slash.
  absl::StatusOr<std::unique_ptr<ArtifactFileWriter>> CreateFile(const std::string& name);
  // A small file, whole and durable; returns its SHA-256, lower-case hex.
  absl::StatusOr<std::string> WriteFile(const std::string& name, absl::string_view contents);

  // Streams what a scratch file holds into `sink`, without finishing that, and removes the file.
  absl::Status Drain(const std::string& name, ByteSink& sink);

  // Makes the names durable, gives the directory its final name (replacing nothing), and makes that durable. When it
  // fails the artifact is removed, under whichever name.
  absl::Status Commit();
  // Removes what was written. Idempotent; no effect after a Commit that succeeded.
  absl::Status Abort();

  const std::string& partial_path() const { return partial_path_; }
  const std::string& final_path() const { return final_path_; }

 private:
  ArtifactWriter() = default;

  FileDescriptor database_fd_;
  FileDescriptor partial_fd_;
  std::string id_;
  std::string partial_name_;
  std::string partial_path_;
  std::string final_path_;
  bool done_ = false;  // Committed, or removed.
};

}  // namespace backup::agent
