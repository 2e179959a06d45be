// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "backup/v1/policy.pb.h"
#include "base/strict_yaml.h"

namespace backup::ctl {

// One document of a policy file.
struct PolicyDocument {
  v1::Policy policy;  // As written: no defaults filled in.
  std::string file;   // As errors name it.
  SourcePosition start;
  // Where each key stands, by its path in the file: "spec.schedule.cron", "spec.databases[0].agent".
  std::map<std::string, SourcePosition> positions;

  // Whether the file says anything at `path`.
  bool Has(const std::string& path) const { return positions.contains(path); }
  // "FILE:LINE:COLUMN" of `path`, or of what is nearest above it in the file.
  std::string Place(absl::string_view path) const;
};

// Reads all documents of a policy file: its form only, that is keys, kinds of values, units and ranges that a field has
// for itself. Everything that is wrong is told at once: INVALID_ARGUMENT with one ErrorInfo each, "FILE:LINE:COLUMN:
// why".
absl::StatusOr<std::vector<PolicyDocument>> ParsePolicyFile(absl::string_view text, absl::string_view file);

// The controller's errors about a policy, told at the places in its file. Fields are named by the paths of the message
// v1.Policy in snake_case or lowerCamelCase; the result names them as the file does. Other errors stay as they are.
absl::Status AtPlaceInFile(const absl::Status& status, const PolicyDocument& document);

// Path in a policy file of a field of v1.Policy: "spec.verify.max_change_percent" gives "spec.verify.maxChange".
std::string FilePathOfField(absl::string_view field);

}  // namespace backup::ctl
