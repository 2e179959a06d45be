// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "absl/time/time.h"

namespace backup::testing {

// Asks `condition` until it is true, at most until `timeout` has passed; returns its last answer. For what another
// process does and tells nobody: files, processes, rows. Between two questions it waits 10 ms of real time, so a test
// that passes is as fast as what it waits for, and a slow machine only makes it slower.
bool Eventually(absl::Duration timeout, const std::function<bool()>& condition);

}  // namespace backup::testing
