// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace backup::server {

// Zone by its IANA name; "" is UTC. INVALID_ARGUMENT TIME_ZONE_UNKNOWN, with the nearest known name as hint when one is
// near. Names that depend on the machine ("localtime") or are paths are unknown.
absl::StatusOr<absl::TimeZone> FindTimeZone(absl::string_view name);

}  // namespace backup::server
