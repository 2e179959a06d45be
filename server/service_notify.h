// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/strings/string_view.h"

namespace backup::server {

// Tells the service manager how we are (sd_notify(3)): "READY=1", "STOPPING=1". No effect without NOTIFY_SOCKET in the
// environment; a manager that does not listen is no error of ours.
void NotifyServiceManager(absl::string_view state);

}  // namespace backup::server
