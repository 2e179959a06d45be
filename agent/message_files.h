// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <google/protobuf/message.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace backup::agent {

// A directory of messages, each a file of protobuf JSON. Writes are durable when they return. A file that cannot be
// read as what it should be is moved aside with an error in the log, so that it blocks nothing else and is not lost.
//
// Names are chosen by the caller and must be safe as a path component. Not thread-safe for one and the same name.
class MessageFiles {
 public:
  // `corrupt_directory` takes what cannot be read. Both exist.
  MessageFiles(std::string directory, std::string corrupt_directory);

  // Replaces in one step. Errors as WriteFileAtomically.
  absl::Status Write(absl::string_view name, const google::protobuf::Message& message) const;
  // NOT_FOUND when there is none. DATA_LOSS STATE_FILE_CORRUPT when it was set aside.
  absl::Status Read(absl::string_view name, google::protobuf::Message* message) const;
  bool Contains(absl::string_view name) const;
  // OK when there is none.
  absl::Status Remove(absl::string_view name) const;
  // Moves it to `directory`, under its name or, when that is taken, with a number behind it.
  absl::Status MoveTo(absl::string_view name, const std::string& directory) const;
  // Names of all regular files that end in ".json", without that ending, sorted. Others are passed over.
  absl::StatusOr<std::vector<std::string>> Names() const;
  // Moves a file that does not hold what its name says to the corrupt directory and logs `why`.
  absl::Status SetAside(absl::string_view name, absl::string_view why) const;

 private:
  std::string PathOf(absl::string_view name) const;
  const std::string directory_;
  const std::string corrupt_directory_;
};

// One message in one file, with the same promises: nothing when the file is not there or was set aside.
bool ReadMessageFile(const std::string& path, const std::string& corrupt_directory, google::protobuf::Message* message);

}  // namespace backup::agent
