// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "backup/v1/run.pb.h"
#include "ctl/session.h"

namespace backup::ctl {

struct FollowOptions {
  // How long the controller may be away before following is given up. Default: 2 minutes.
  absl::Duration patience = absl::Minutes(2);
};

// Follows a run to its end and tells its progress on stderr: in place on a terminal, otherwise a line when something
// changes and every 10 s. Returns the ended run, however it ended. CANCELLED INTERRUPTED after Ctrl-C: the run goes on,
// and the hint says how to come back to it.
absl::StatusOr<v1::Run> FollowRun(Session& session, const std::string& name, const FollowOptions& options = {});

// OK for SUCCEEDED; otherwise an error that tells cause, text, hint and the last lines of stderr. DATA_LOSS with
// reason CORRUPT or ASSERTION_FAILED for a VERIFY or DRILL that found the backup bad.
absl::Status OutcomeOf(const v1::Run& run);

}  // namespace backup::ctl
