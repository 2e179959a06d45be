// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "absl/time/time.h"
#include "base/cancellation.h"

namespace backup::ctl {

// Asks `condition` every 10 ms until it is true, `timeout` of steady time has passed, or `interrupt` is cancelled.
// Returns whether it became true. For what other processes do: an end, a file.
bool WaitUntil(absl::Duration timeout, Cancellation& interrupt, const std::function<bool()>& condition);

}  // namespace backup::ctl
