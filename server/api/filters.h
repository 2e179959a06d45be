// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/status/status.h"
#include "backup/v1/backup_service.pb.h"
#include "backup/v1/run_service.pb.h"

namespace backup::server {

// OK when every name in the filter has its form and every state and kind is one that can be stored; else INVALID_FIELD
// with the path below "filter". A misspelt filter must not look like an empty list.
absl::Status CheckFilter(const v1::RunFilter& filter);
absl::Status CheckFilter(const v1::BackupFilter& filter);

}  // namespace backup::server
