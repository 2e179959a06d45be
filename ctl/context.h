// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace backup::ctl {

// How to reach one controller, and as whom.
struct Context {
  std::string name;        // 1 to 63 characters of [a-z0-9-], as ids are.
  std::string controller;  // host:port.
  std::string ca;          // Files, PEM; absolute paths once read or stored.
  std::string certificate;
  std::string key;
  bool operator==(const Context&) const = default;
};

// The contexts of one user: strict YAML with `currentContext` and `contexts`. A value type.
class ContextFile {
 public:
  // Reads `path`; a file that is not there reads as one without contexts. INVALID_ARGUMENT YAML_INVALID with
  // line and column. Relative file names in it are relative to its directory.
  static absl::StatusOr<ContextFile> Read(const std::string& path);

  // Replaces the file in one step, mode 0600, its directory 0700.
  absl::Status Write() const;

  const std::string& path() const { return path_; }
  const std::vector<Context>& contexts() const { return contexts_; }
  // Empty when none was chosen.
  const std::string& current() const { return current_; }

  // NOT_FOUND CONTEXT_NOT_FOUND.
  absl::StatusOr<Context> Find(absl::string_view name) const;
  // Inserts or replaces by name. The first one becomes current. INVALID_ARGUMENT INVALID_FIELD for a bad name.
  absl::Status Put(const Context& context);
  // No effect when it is not there. Removing the current one leaves none current.
  void Remove(absl::string_view name);
  // CONTEXT_NOT_FOUND.
  absl::Status Use(absl::string_view name);

 private:
  std::string path_;
  std::string current_;
  std::vector<Context> contexts_;
};

// $BACKUPCTL_CONFIG, else $XDG_CONFIG_HOME/backupctl/config.yaml, else $HOME/.config/backupctl/config.yaml.
// FAILED_PRECONDITION NO_HOME when none of them is set.
absl::StatusOr<std::string> ContextFilePath(const std::map<std::string, std::string>& variables);

}  // namespace backup::ctl
