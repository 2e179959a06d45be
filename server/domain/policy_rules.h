// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "backup/v1/policy.pb.h"

#include <google/protobuf/field_mask.pb.h>

namespace backup::server {

// Puts the documented default where the user wrote nothing. Idempotent. Adds no retention rule: an empty one is an
// error.
void FillDefaults(v1::PolicySpec& spec);

// OK, or INVALID_ARGUMENT with one ErrorInfo INVALID_FIELD for each violation; its "field" is the path within the
// policy in proto names, e.g. "spec.schedule.cron", "spec.databases[0].agent", "spec.verify.key_tables[1]". Expects
// defaults to be filled in.
absl::Status ValidatePolicy(const v1::Policy& policy);

// `current` with the fields of `update` that `mask` names: "labels", "spec" or a path below it ("spec.schedule.cron").
// An empty mask means labels and spec. A field that is unset in `update` is cleared. Name and output-only fields stay
// those of `current`. INVALID_ARGUMENT INVALID_FIELD "update_mask" for any other path. Fills in no defaults.
absl::StatusOr<v1::Policy> ApplyPolicyMask(const v1::Policy& current, const v1::Policy& update,
                                           const google::protobuf::FieldMask& mask);

}  // namespace backup::server
