// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "absl/status/status.h"

namespace backup::ctl {

// The errors that JoinErrors made one of, in their order; one when it is a single error, none when it is OK. Each has
// the code of the whole.
std::vector<absl::Status> SplitErrors(const absl::Status& status);

}  // namespace backup::ctl
