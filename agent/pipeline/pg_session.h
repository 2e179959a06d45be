// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/pipeline/conninfo.h"
#include "agent/pipeline/stages.h"
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
  // Ends the session. The server has let go of what it held, its place in its database too, unless that takes long.
  ~PgSession();
  PgSession(const PgSession&) = delete;
  PgSession& operator=(const PgSession&) = delete;

  // Runs one statement, at most for `timeout`. Text format. After a TIMEOUT or cancellation the session is of no more
  // use.
  absl::StatusOr<PgRows> Query(const std::string& sql, absl::Duration timeout,
                               const std::vector<std::string>& parameters = {});

  // Runs `copy`, a COPY ... FROM stdin, with what `write` gives to the sink it gets; the rows that were stored. No wait
  // for the server is longer than `stall_timeout`. When `write` fails the server is told, and stores nothing.
  absl::StatusOr<int64_t> CopyIn(const std::string& copy, absl::Duration stall_timeout,
                                 const std::function<absl::Status(ByteSink&)>& write);
  // Streams what `copy`, a COPY ... TO stdout, gives into `sink`, without finishing it.
  absl::Status CopyOut(const std::string& copy, absl::Duration stall_timeout, ByteSink& sink);

  // Of the last statement, when the server refused it, e.g. "42P01" (PostgreSQL manual, appendix A); else "".
  const std::string& last_sqlstate() const { return last_sqlstate_; }

  // E.g. 150008.
  int server_version_num() const;

 private:
  class CopySink;

  absl::Status Error(absl::string_view sqlstate) const;
  // Sends `sql` and waits for the first result.
  // Sends a COPY and waits until the server is ready for it; `expected` is PGRES_COPY_IN or PGRES_COPY_OUT.
  absl::Status BeginCopy(const std::string& copy, int expected, absl::Duration stall_timeout);
  absl::Status Send(const std::string& sql, absl::Duration timeout, const std::vector<std::string>& parameters);
  absl::Status AwaitResult(absl::Duration deadline_monotonic, absl::string_view what);
  // All results up to the end of the statement; rows of a query into `rows`, which may be null. Rows that a command
  // changed into `affected`, which may be null.
  absl::Status TakeResults(PgRows* rows, int64_t* affected, absl::Duration stall_timeout);

  PgSession(Conninfo conninfo, pg_conn* connection, Cancellation* cancellation)
      : conninfo_(std::move(conninfo)), connection_(connection), cancellation_(cancellation) {}

  const Conninfo conninfo_;
  pg_conn* const connection_;
  Cancellation* const cancellation_;
  std::string last_sqlstate_;
};

}  // namespace backup::agent
