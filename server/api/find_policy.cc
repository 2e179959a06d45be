// SPDX-License-Identifier: Apache-2.0
#include "server/api/find_policy.h"

#include <utility>

#include "base/status_macros.h"

namespace backup::server {

absl::StatusOr<std::optional<v1::Policy>> FindPolicy(Store& store, const std::string& name) {
  absl::StatusOr<v1::Policy> policy = store.GetPolicy(name);
  if (absl::IsNotFound(policy.status())) {
    return std::optional<v1::Policy>();
  }
  RETURN_IF_ERROR(policy.status());
  return std::optional<v1::Policy>(*std::move(policy));
}

}  // namespace backup::server
