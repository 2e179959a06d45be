// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backup/v1/run_service.pb.h"

namespace backup::ctl {

// Every state but SCHEDULED: what lies ahead comes first in the list's order, and would hide what has happened.
void LeaveOutThoseToCome(v1::RunFilter& filter);

}  // namespace backup::ctl
