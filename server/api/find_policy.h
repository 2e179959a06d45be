// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "backup/v1/agent.pb.h"
#include "backup/v1/policy.pb.h"
#include "server/store/store.h"

namespace backup::server {

// The policy of that name; nothing when there is none. Other errors of the store.
absl::StatusOr<std::optional<v1::Policy>> FindPolicy(Store& store, const std::string& name);

// The one that covers the database; nothing when none does. FAILED_PRECONDITION POLICY_AMBIGUOUS when several do.
absl::StatusOr<std::optional<v1::Policy>> FindCoveringPolicy(Store& store, const v1::Database& database);

// `given` as UpdatePolicy would store it, whether it is there or not. Errors of PolicyToUpdate.
absl::StatusOr<v1::Policy> PolicyAsGiven(Store& store, const v1::Policy& given);

}  // namespace backup::server
