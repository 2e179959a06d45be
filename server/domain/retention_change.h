// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "absl/time/time.h"
#include "backup/v1/policy.pb.h"
#include "backup/v1/policy_service.pb.h"
#include "server/domain/retention.h"

namespace backup::server {

// Whether the change of a policy can make any backup go that stays now. `before`: nothing when the policy is new, or
// was deleted; then its backups stay.
bool ChangesRetention(const std::optional<v1::Policy>& before, const v1::Policy& after);

// Of the backups that a policy made of one database: those that go by `after` and stay by `before`. `frozen` is
// what stands against it as far as `state` tells; it changes no count. Pure.
v1::DatabaseDeletion DeletedByChange(const RetentionState& state, const std::optional<v1::Policy>& before,
                                     const v1::Policy& after, absl::Time now);

}  // namespace backup::server
