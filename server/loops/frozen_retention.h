// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "backup/v1/fleet_service.pb.h"
#include "backup/v1/retention.pb.h"
#include "base/mutex.h"

namespace backup::server {

// What stands against deletions, of each database where the last look found something: whoever applies retention notes
// it, and whoever tells of the fleet reads it. Thread-safe.
class FrozenRetention {
 public:
  // `plan` is what was decided about its database last, whole or without the single decisions.
  void Note(const v1::RetentionPlan& plan);
  // Counts what was noted so far.
  int64_t mark() const;
  // Forgets all databases but these, and those that were noted since `mark`.
  void KeepOnly(const std::set<std::string>& databases, int64_t mark);

  // Sets retention_frozen of every database in `status`.
  void FillIn(v1::FleetStatus& status) const;

 private:
  mutable Mutex mu_;
  struct Entry {
    std::vector<std::string> reasons;
    int64_t number = 0;  // Of the note.
  };
  std::map<std::string, Entry> entries_ ABSL_GUARDED_BY(mu_);
  int64_t note_count_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace backup::server
