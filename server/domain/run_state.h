// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "backup/v1/event.pb.h"
#include "backup/v1/run.pb.h"

namespace backup::server {

// SUCCEEDED to SKIPPED, LOST among them.
bool IsTerminal(v1::RunState state);
// SCHEDULED, PENDING or RUNNING.
bool IsOpen(v1::RunState state);

// `agents/{agent}` of the run's database; "" when that name is not valid.
std::string AgentOf(const v1::Run& run);

// The actor of what no agent and no person did.
inline constexpr char kControllerActor[] = "controller";

// An event of `actor` (kControllerActor or a resource name) about `subject`, at `now`.
v1::Event MakeEvent(absl::Time now, absl::string_view actor, absl::string_view subject, absl::string_view type,
                    absl::string_view message);

}  // namespace backup::server
