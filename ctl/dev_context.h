// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ctl/context.h"
#include "ctl/dev_layout.h"
#include "ctl/session.h"

namespace backup::ctl {

// The context of the dev controller at `address`: its administrator's files.
Context DevContext(const DevLayout& layout, const std::string& address);

// Puts it into the user's file; it becomes current when there is no other. Returns whether it is current.
// FAILED_PRECONDITION CONTEXT_IN_USE when the name stands for another controller whose files exist.
absl::StatusOr<bool> PutDevContext(Session& session, const Context& context);

// Takes it out, if it is the one of `layout`; a file without contexts goes.
absl::Status RemoveDevContext(Session& session, const DevLayout& layout);

}  // namespace backup::ctl
