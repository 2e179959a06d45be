// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "backup/v1/policy.pb.h"

namespace backup::ctl {

// The policy that `backupctl dev up` makes: `policies/nightly`, every database at 22:00 of this machine's time zone,
// kept for $BACKUP_RETENTION_DAYS days (30 when not set). INVALID_ARGUMENT INVALID_VARIABLE when that is not a whole
// number from 1 to 36500.
absl::StatusOr<v1::Policy> DevPolicy(const std::map<std::string, std::string>& variables, absl::string_view time_zone);

// This machine's time zone by its IANA name: from $TZ, else from /etc/localtime, else "UTC".
std::string LocalTimeZoneName(const std::map<std::string, std::string>& variables);

}  // namespace backup::ctl
