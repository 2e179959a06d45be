// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "backup/v1/agent_control_service.pb.h"
#include "backup/v1/run.pb.h"

namespace backup::agent {

// What an agent knows a lease by: the run's name and the epoch. It starts each at most once.
using AttemptKey = std::pair<std::string, int64_t>;

AttemptKey KeyOf(const v1::DesiredRun& run);
AttemptKey KeyOf(const v1::Run& attempt);
AttemptKey KeyOf(const v1::AttemptRef& ref);

// The reference that every report carries.
v1::AttemptRef RefOf(const v1::Run& attempt);

// `{run id}.{epoch}`: the name of files about the attempt. INVALID_ARGUMENT for a name that is no run's or an epoch
// below 1, so that nothing a controller says can name another file.
absl::StatusOr<std::string> AttemptFileName(const AttemptKey& key);
// The inverse; INVALID_ARGUMENT for anything that AttemptFileName cannot have made.
absl::StatusOr<AttemptKey> ParseAttemptFileName(absl::string_view name);

}  // namespace backup::agent
