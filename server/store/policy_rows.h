// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pqxx/pqxx>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "backup/v1/policy.pb.h"

namespace backup::server {

// Policies as rows of table policies.

// A statement's beginning that DecodePolicy reads: policies `p` with next slot and count of databases; goes on with
// " WHERE ...". Both come from the rows planned for the policy.
extern const char kSelectPolicies[];
// The same without both, in no time.
extern const char kSelectPolicyRules[];
// CATALOG_ROW_INVALID.
absl::StatusOr<v1::Policy> DecodePolicy(const pqxx::row& row);
// Inserts, or replaces by name, with a new etag; create_time of a policy that is there stays.
void PutPolicy(pqxx::transaction_base& transaction, v1::Policy policy, absl::Time now);

}  // namespace backup::server
