// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/domain/changes.h"

namespace backup::server {

// Somebody asks to stop the run. One that no agent holds is CANCELLED at once; else cancel_requested is set, and the
// agent reports the end. Idempotent while it runs. RUN_ALREADY_ENDED; DELETION_BEGUN for a DELETE run. `actor` is
// `users/{user}`; `reason` may be empty.
absl::StatusOr<RunChange> CancelRun(const RunView& view, absl::string_view actor, absl::string_view reason,
                                    absl::Time now);

}  // namespace backup::server
