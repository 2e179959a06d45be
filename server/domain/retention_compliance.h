// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "absl/time/time.h"
#include "backup/v1/policy.pb.h"
#include "backup/v1/report_service.pb.h"

namespace backup::server {

// What the backups of one policy and database are held against.
struct PolicyHistory {
  v1::Policy policy;
  std::vector<absl::Time> good;  // Snapshot times of the good backups that exist, in any order.
  absl::Time first_slot;         // When the policy's first run for the database was due; InfiniteFuture when none was.
};

// The rules of the policy's retention that promise more than there is at `now`, in the order of RetentionSpec. Each
// says why: a rule that could not be met since the first slot is young; one that could not be met since the policy was
// last changed may have asked for less before; else backups are missing. Empty for a policy whose schedule is none.
// Pure.
std::vector<v1::RetentionShortfall> FindShortfalls(const PolicyHistory& history, absl::Time now);

}  // namespace backup::server
