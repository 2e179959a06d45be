// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "backup/v1/retention.pb.h"
#include "server/store/store.h"

namespace backup::server {

// What retention would do at `now` with the backups of a database, all decisions in one page, the newest backup first.
// Each policy decides about those that were made under it; those of none stay. Reads all of them. Errors of the store.
absl::StatusOr<v1::RetentionPlan> ReadRetentionPlan(Store& store, const std::string& database, absl::Time now);

}  // namespace backup::server
