// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/pipeline/conninfo.h"
#include "base/cancellation.h"

struct pg_conn;

namespace backup::agent {

// Rows of a result; nothing for NULL.
using PgRows = std::vector<std::vector<std::optional<std::string>>>;

// A session with a server, for small questions. Every wait has a limit and can be cancelled; errors are those of
// dump_failure.h (TIMEOUT when a limit was reached), without secrets. One thread uses it.
class PgSession {
 public:
  // `timeout` holds for all hosts of the target together. `cancellation` may be null and must outlive the session.
  static absl::StatusOr<std::unique_ptr<PgSession>> Connect(const Conninfo& conninfo, absl::Duration timeout,
                                                            Cancellation* cancellation);
  ~PgSession();
  PgSession(const PgSession&) = delete;
  PgSession& operator=(const PgSession&) = delete;

  // Runs one statement, at most for `timeout`. Text format. After a TIMEOUT or cancellation the session is of no more
  // use.
  absl::StatusOr<PgRows> Query(const std::string& sql, absl::Duration timeout,
                               const std::vector<std::string>& parameters = {});

  // E.g. 150008.
  int server_version_num() const;

 private:
  PgSession(Conninfo conninfo, pg_conn* connection, Cancellation* cancellation)
      : conninfo_(std::move(conninfo)), connection_(connection), cancellation_(cancellation) {}

  const Conninfo conninfo_;
  pg_conn* const connection_;
  Cancellation* const cancellation_;
};

}  // namespace backup::agent
