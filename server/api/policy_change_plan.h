// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "backup/v1/policy_service.pb.h"
#include "server/store/store.h"

namespace backup::server {

// What retention would delete under `after` that stays under `before` (nothing: the policy is not there). Looks at the
// whole fleet, as retention does, unless the policy has no backups. Errors of the store.
absl::StatusOr<v1::PolicyChangePlan> ReadPolicyChangePlan(Store& store, const std::optional<v1::Policy>& before,
                                                          const v1::Policy& after, absl::Time now);

// FAILED_PRECONDITION RETENTION_SHRINKS when that is anything. Errors of the store.
absl::Status CheckNothingGoes(Store& store, const std::optional<v1::Policy>& before, const v1::Policy& after,
                              absl::Time now);

// Databases that a policy of this spec covers.
absl::StatusOr<int64_t> CountCovered(Store& store, const v1::PolicySpec& spec);

}  // namespace backup::server
