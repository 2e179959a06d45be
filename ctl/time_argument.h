// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace backup::ctl {

// A moment as people give it on the command line: so long before `now` ("90d", "6h"), a day ("2026-07-01", its first
// moment in UTC), or RFC 3339. INVALID_ARGUMENT WRONG_USAGE that names `flag`.
absl::StatusOr<absl::Time> ParseTimeArgument(absl::string_view flag, absl::string_view text, absl::Time now);

}  // namespace backup::ctl
