// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/pipeline/job.h"
#include "agent/pipeline/pg_session.h"
#include "agent/pipeline/restore_source.h"
#include "base/cancellation.h"

namespace backup::agent {

// Everything that would keep `source` from being restored to the server as `request` wants it, each in one line with
// what to do about it: an older version, extensions, roles that own something, the locale, the name, the right to make
// databases. Empty when nothing was found; the server's disk and what its own rules forbid cannot be seen from here.
absl::StatusOr<std::vector<std::string>> FindRestoreObstacles(PgSession& session, const RestoreSource& source,
                                                              const RestoreRequest& request,
                                                              Cancellation& cancellation);

}  // namespace backup::agent
