// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/pipeline/job.h"
#include "backup/v1/manifest.pb.h"
#include "base/cancellation.h"

namespace backup::agent {

// How long a look at a database may take.
struct ProbeOptions {
  // Until the login is done, over all hosts of the target together.
  absl::Duration connect_timeout = absl::Seconds(10);
  // For each statement.
  absl::Duration statement_timeout = absl::Seconds(30);
};

// What a look at a database tells. Names are valid UTF-8.
struct DatabaseFacts {
  v1::DatabaseIdentity identity;
  // Time of the look by the server's clock.
  absl::Time server_time;
  // Tables whose rows pg_dump stores.
  int32_t table_count = 0;
  // Rough size of a plain dump, in bytes.
  int64_t estimated_plain_bytes = 0;
  std::vector<v1::ExtensionFacts> extensions;  // Sorted by name.
};

// Logs in, looks, logs out. Blocks at most for the time-outs. Takes no lock that a user's statement would wait for, and
// waits for none. Errors are those of job_failure.h: AUTH, NETWORK, WRONG_DATABASE, PERMISSION, TIMEOUT,
// CANCELLED_BY_USER; they hold no secret. `cancellation` may be null.
absl::StatusOr<DatabaseFacts> ProbeDatabase(const ConnectionTarget& target, const ProbeOptions& options,
                                            Cancellation* cancellation = nullptr);

// OK when both are the same database of the same cluster; WRONG_DATABASE saying what differs. Sizes and versions may
// differ.
absl::Status CheckSameDatabase(const v1::DatabaseIdentity& before, const v1::DatabaseIdentity& after);

}  // namespace backup::agent
