// SPDX-License-Identifier: Apache-2.0
#include "server/api/find_policy.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "server/domain/policy_changes.h"
#include "server/domain/selector.h"

namespace backup::server {

absl::StatusOr<std::optional<v1::Policy>> FindPolicy(Store& store, const std::string& name) {
  absl::StatusOr<v1::Policy> policy = store.GetPolicy(name);
  if (absl::IsNotFound(policy.status())) {
    return std::optional<v1::Policy>();
  }
  RETURN_IF_ERROR(policy.status());
  return std::optional<v1::Policy>(*std::move(policy));
}

absl::StatusOr<std::optional<v1::Policy>> FindCoveringPolicy(Store& store, const v1::Database& database) {
  ASSIGN_OR_RETURN(std::vector<v1::Policy> policies, store.ReadPolicies());
  std::erase_if(policies, [&](const v1::Policy& policy) { return !Covers(policy.spec(), database); });
  if (policies.empty()) {
    return std::optional<v1::Policy>();
  }
  if (policies.size() > 1) {
    const std::string names = absl::StrJoin(
        policies, ", ", [](std::string* out, const v1::Policy& policy) { absl::StrAppend(out, policy.name()); });
    return MakeError(absl::StatusCode::kFailedPrecondition, "POLICY_AMBIGUOUS",
                     absl::StrCat("several policies cover ", database.name(), ", and each keeps its own backups"),
                     absl::StrCat("name one of ", names), {{"database", database.name()}});
  }
  return std::optional<v1::Policy>(std::move(policies[0]));
}

absl::StatusOr<v1::Policy> PolicyAsGiven(Store& store, const v1::Policy& given) {
  ASSIGN_OR_RETURN(const std::optional<v1::Policy> current, FindPolicy(store, given.name()));
  v1::UpdatePolicyRequest update;
  *update.mutable_policy() = given;
  update.set_allow_missing(true);
  return PolicyToUpdate(current, update);
}

}  // namespace backup::server
