// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/time/time.h"

namespace backup::server {

// Of slots before this time, runs may be gone at `now` when history is kept for `age`: it goes by whole months of UTC.
absl::Time HistoryBegin(absl::Duration age, absl::Time now);

}  // namespace backup::server
