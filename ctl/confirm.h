// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/status/status.h"
#include "ctl/session.h"

namespace backup::ctl {

// Asks that a person really means a severe act on `name`: OK when `given` (the flag --confirm) is that name, or when a
// person at a terminal types it. INVALID_ARGUMENT CONFIRMATION_REQUIRED otherwise. `act` is for the question, e.g.
// "delete policy".
absl::Status Confirm(Session& session, const std::string& act, const std::string& name, const std::string& given);

}  // namespace backup::ctl
