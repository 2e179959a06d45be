// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace backup::agent {

// What ends a restore or a drill, from what one of its sessions said (dump_failure.h, whose causes and hints are those
// of a dump): RESTORE_FAILED instead of DUMP_FAILED, and of a lack of rights what a restore needs. Others stay. Pure.
absl::Status AsRestoreFailure(const absl::Status& status);

// The error of `statement`, which the server refused with `sqlstate`: RESTORE_REFUSED naming them when it hands
// something to some of `missing_roles`, roles of the backup that the server does not have. Pure.
absl::Status AboutMissingRoles(const absl::Status& status, absl::string_view sqlstate, absl::string_view statement,
                               const std::set<std::string>& missing_roles);

// Of an assertion that the server refused with `sqlstate`: ASSERTION_FAILED when that is about the assertion or what it
// reads, not about the server's means. Pure.
absl::Status AsAssertionFailure(const absl::Status& status, absl::string_view sqlstate);

}  // namespace backup::agent
