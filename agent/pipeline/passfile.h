// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/file.h"

namespace backup::agent {

// A libpq password file (PostgreSQL manual, 34.16) that exists in memory only: a sealed memfd, mode 0600, which a child
// gets as its stdin and opens by kPathInChild. No file to leave behind, whatever kills us. Needs /proc.
class Passfile {
 public:
  static constexpr char kPathInChild[] = "/proc/self/fd/0";

  // `password` must hold no line end or zero byte (Conninfo sees to it).
  static absl::StatusOr<Passfile> Create(absl::string_view password);

  int fd() const { return fd_.get(); }

 private:
  explicit Passfile(FileDescriptor fd) : fd_(std::move(fd)) {}
  FileDescriptor fd_;
};

}  // namespace backup::agent
