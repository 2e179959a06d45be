// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "agent/pipeline/pg_session.h"

namespace backup::agent {

// How tables are locked for a dump.
struct LockOptions {
  // For one table; after it LOCK_TIMEOUT.
  absl::Duration lock_timeout = absl::Seconds(60);
  // For each question that waits for no lock.
  absl::Duration statement_timeout = absl::Seconds(30);
  // For all together, on Clock::Real().Monotonic(): TIMEOUT.
  absl::Duration deadline_monotonic = absl::InfiniteDuration();
};

// Begins a REPEATABLE READ, READ ONLY transaction in a prepared session that holds ACCESS SHARE on every table that
// pg_dump will read, and only then takes its snapshot. So what waits for our locks cannot be seen half: a TRUNCATE or a
// rewriting ALTER TABLE that commits after a snapshot was taken empties the table for that snapshot too (PostgreSQL
// manual, 13.6 "Caveats"), and pg_dump alone, which locks after it has looked, would store it as empty.
absl::Status BeginWithLocks(PgSession& session, const LockOptions& options);

}  // namespace backup::agent
