// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "backup/v1/policy.pb.h"
#include "server/store/store.h"

namespace backup::server {

// The policy of that name; nothing when there is none. Other errors of the store.
absl::StatusOr<std::optional<v1::Policy>> FindPolicy(Store& store, const std::string& name);

}  // namespace backup::server
