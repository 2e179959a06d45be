// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "backup/v1/policy.pb.h"
#include "backup/v1/policy_service.pb.h"
#include "ctl/client.h"
#include "ctl/policy_file.h"

namespace backup::ctl {

// What applying one document would do.
struct PlannedPolicy {
  enum class Change { kCreate, kUpdate, kNone };
  PolicyDocument document;
  std::optional<v1::Policy> stored;  // Nothing: new.
  // What would be stored, as the controller says: defaults filled in. A file that does not speak of
  // spec.schedule.paused leaves it as it is.
  v1::Policy wanted;
  Change change = Change::kNone;
  // What it would delete.
  v1::PolicyChangePlan deletions;
};

// Asks the controller about every document and changes nothing. INVALID_ARGUMENT with everything that is wrong in all
// of them, at its place in the file. Other errors end it at once.
absl::StatusOr<std::vector<PlannedPolicy>> PlanPolicies(Client& client, std::vector<PolicyDocument> documents);

}  // namespace backup::ctl
