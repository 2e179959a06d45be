// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include <google/protobuf/duration.pb.h>

namespace backup::server {

// Gathers what is wrong with a message, one INVALID_FIELD for each violation, so that a person sees all at once. Used
// by one thread.
class Violations {
 public:
  void Add(absl::string_view field, absl::string_view why, absl::string_view hint = "");
  // Takes message and hint of an error of a narrower rule.
  void AddStatus(absl::string_view field, const absl::Status& status);
  // Adds a violation unless min <= value <= max.
  void CheckRange(absl::string_view field, int64_t value, int64_t min, int64_t max);
  void CheckRange(absl::string_view field, const google::protobuf::Duration& value, absl::Duration min,
                  absl::Duration max);
  // Adds a violation when there are more than `max` of something.
  void CheckCount(absl::string_view field, int count, int max);

  // OK when there are none; else the first 20.
  absl::Status ToStatus() const;

 private:
  std::vector<absl::Status> errors_;
};

}  // namespace backup::server
