// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/artifact_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "agent/pipeline/job_failure.h"
#include "agent/pipeline/partial_directory.h"
#include "agent/pipeline/repository.h"
#include "agent/pipeline/storage_error.h"
#include "base/log.h"
#include "base/resource_name.h"
#include "base/status_macros.h"

namespace backup::agent {
namespace {

// Dirty pages go to the disk while the dump runs, not all at once at the end.
constexpr int64_t kWritebackBytes = 8 << 20;
constexpr size_t kDrainBytes = 1 << 20;

// Renames without replacing. File systems without renameat2's flags get the plain rename, which for directories
// replaces only an empty one.
int RenameNoReplace(int directory_fd, const std::string& from, const std::string& to) {
  const int result = renameat2(directory_fd, from.c_str(), directory_fd, to.c_str(), RENAME_NOREPLACE);
  if (result == 0 || (errno != EINVAL && errno != ENOSYS)) {
    return result;
  }
  struct stat info;
  if (fstatat(directory_fd, to.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) {
    errno = EEXIST;
    return -1;
  }
  return renameat(directory_fd, from.c_str(), directory_fd, to.c_str());
}

}  // namespace

absl::Status ArtifactFileWriter::Write(absl::string_view bytes) {
  RETURN_IF_ERROR(failed_);
  hash_.Update(bytes);
  while (!bytes.empty()) {
    const ssize_t written = write(fd_.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written <= 0) {
      failed_ = StorageError(written == 0 ? EIO : errno, absl::StrCat("cannot write ", path_));
      return failed_;
    }
    stored_bytes_ += written;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  if (stored_bytes_ - handed_to_disk_bytes_ >= kWritebackBytes) {
    // Only a hint: errors show at fsync.
    sync_file_range(fd_.get(), handed_to_disk_bytes_, stored_bytes_ - handed_to_disk_bytes_, SYNC_FILE_RANGE_WRITE);
    handed_to_disk_bytes_ = stored_bytes_;
  }
  return absl::OkStatus();
}

absl::Status ArtifactFileWriter::Finish() {
  RETURN_IF_ERROR(failed_);
  stored_sha256_ = hash_.FinishHex();
  // A second fsync after a failed one may say that all is well when it is not.
  if (fsync(fd_.get()) != 0) {
    failed_ = StorageError(errno, absl::StrCat("cannot make ", path_, " durable"));
    return failed_;
  }
  return Close();
}

absl::Status ArtifactFileWriter::FinishScratch() {
  RETURN_IF_ERROR(failed_);
  stored_sha256_ = hash_.FinishHex();
  return Close();
}

absl::Status ArtifactFileWriter::Close() {
  if (close(fd_.Release()) != 0) {
    failed_ = StorageError(errno, absl::StrCat("cannot close ", path_));
  }
  return failed_;
}

absl::StatusOr<std::unique_ptr<ArtifactWriter>> ArtifactWriter::Create(const std::string& root, absl::string_view agent,
                                                                       absl::string_view database,
                                                                       absl::string_view backup_id) {
  if (!IsValidBackupId(backup_id)) {
    return JobError(v1::INTERNAL, absl::StrCat("not the id of a backup: \"", backup_id, "\""));
  }
  std::unique_ptr<ArtifactWriter> writer(new ArtifactWriter());
  writer->id_ = std::string(backup_id);
  writer->partial_name_ = absl::StrCat(kPartialPrefix, backup_id);
  writer->final_path_ = ArtifactPath(root, agent, database, backup_id);
  writer->partial_path_ =
      absl::StrCat(root, "/", EncodeSegment(agent), "/", EncodeSegment(database), "/", writer->partial_name_);
  writer->done_ = true;  // Nothing to remove yet.
  ASSIGN_OR_RETURN(FileDescriptor root_fd, OpenDirectory(AT_FDCWD, root));
  ASSIGN_OR_RETURN(FileDescriptor agent_fd, OpenOrMakeDirectory(root_fd.get(), EncodeSegment(agent)));
  ASSIGN_OR_RETURN(writer->database_fd_, OpenOrMakeDirectory(agent_fd.get(), EncodeSegment(database)));
  struct stat info;
  if (fstatat(writer->database_fd_.get(), writer->id_.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) {
    return StorageError(EEXIST, absl::StrCat("cannot make ", writer->final_path_));
  }
  if (mkdirat(writer->database_fd_.get(), writer->partial_name_.c_str(), 0700) != 0) {
    return StorageError(errno, absl::StrCat("cannot make directory ", writer->partial_path_));
  }
  writer->done_ = false;
  ASSIGN_OR_RETURN(writer->partial_fd_, OpenDirectory(writer->database_fd_.get(), writer->partial_name_));
  return writer;
}

ArtifactWriter::~ArtifactWriter() {
  if (absl::Status status = Abort(); !status.ok()) {
    LogWarning("cannot remove an unfinished backup", {{"path", partial_path_}, {"error", status}});
  }
}

absl::StatusOr<std::unique_ptr<ArtifactFileWriter>> ArtifactWriter::CreateFile(const std::string& name) {
  const std::string path = absl::StrCat(partial_path_, "/", name);
  FileDescriptor fd(
      openat(partial_fd_.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd.valid()) {
    return StorageError(errno, absl::StrCat("cannot make ", path));
  }
  return std::unique_ptr<ArtifactFileWriter>(new ArtifactFileWriter(std::move(fd), path));
}

absl::StatusOr<std::string> ArtifactWriter::WriteFile(const std::string& name, absl::string_view contents) {
  ASSIGN_OR_RETURN(std::unique_ptr<ArtifactFileWriter> file, CreateFile(name));
  RETURN_IF_ERROR(file->Write(contents));
  RETURN_IF_ERROR(file->Finish());
  return file->stored_sha256();
}

absl::Status ArtifactWriter::Drain(const std::string& name, ByteSink& sink) {
  const std::string path = absl::StrCat(partial_path_, "/", name);
  FileDescriptor fd(openat(partial_fd_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid()) {
    return StorageError(errno, absl::StrCat("cannot read ", path));
  }
  std::string buffer(kDrainBytes, '\0');
  while (true) {
    const ssize_t count = read(fd.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      return StorageError(errno, absl::StrCat("cannot read ", path));
    }
    if (count == 0) {
      break;
    }
    RETURN_IF_ERROR(sink.Write(absl::string_view(buffer.data(), static_cast<size_t>(count))));
  }
  if (unlinkat(partial_fd_.get(), name.c_str(), 0) != 0) {
    return StorageError(errno, absl::StrCat("cannot remove ", path));
  }
  return absl::OkStatus();
}

absl::Status ArtifactWriter::Commit() {
  if (fsync(partial_fd_.get()) != 0) {
    return StorageError(errno, absl::StrCat("cannot make ", partial_path_, " durable"));
  }
  if (RenameNoReplace(database_fd_.get(), partial_name_, id_) != 0) {
    return StorageError(errno, absl::StrCat("cannot rename ", partial_path_, " to ", final_path_));
  }
  if (fsync(database_fd_.get()) != 0) {
    const int error_number = errno;
    // It would be reported as failed: then it must not be found as a good one.
    done_ = true;
    RemoveFlatDirectory(database_fd_.get(), id_).IgnoreError();
    return StorageError(error_number, absl::StrCat("cannot make ", final_path_, " durable"));
  }
  done_ = true;
  return absl::OkStatus();
}

absl::Status ArtifactWriter::Abort() {
  if (done_) {
    return absl::OkStatus();
  }
  done_ = true;
  return RemoveFlatDirectory(database_fd_.get(), partial_name_);
}

}  // namespace backup::agent
