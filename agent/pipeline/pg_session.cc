// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/pg_session.h"

#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "agent/pipeline/dump_failure.h"
#include "agent/pipeline/job_failure.h"
#include "base/clock.h"
#include "base/status_macros.h"

namespace backup::agent {
namespace {

// How often a wait looks whether it was cancelled.
constexpr absl::Duration kCancellationPeriod = absl::Milliseconds(100);

// Waits until the connection's socket is ready for `events`, the deadline has passed or somebody cancelled.
absl::Status WaitForSocket(PGconn* connection, short events, absl::Duration deadline, Cancellation* cancellation,
                           absl::string_view what) {
  while (true) {
    if (cancellation != nullptr && cancellation->cancelled()) {
      return JobError(v1::CANCELLED_BY_USER, absl::StrCat("cancelled: ", cancellation->reason()));
    }
    const absl::Duration left = deadline - Clock::Real().Monotonic();
    if (left <= absl::ZeroDuration()) {
      return JobError(v1::TIMEOUT, absl::StrCat(what, " took too long"),
                      "check that the server is not overloaded and can be reached from this host");
    }
    struct pollfd descriptor = {PQsocket(connection), events, 0};
    const int timeout_ms =
        static_cast<int>(absl::ToInt64Milliseconds(std::min(left, kCancellationPeriod) + absl::Milliseconds(1)));
    const int ready = poll(&descriptor, 1, timeout_ms);
    if (ready > 0) {
      return absl::OkStatus();
    }
    if (ready < 0 && errno != EINTR) {
      return JobError(v1::INTERNAL, absl::StrCat("cannot wait for the server: errno ", errno));
    }
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<PgSession>> PgSession::Connect(const Conninfo& conninfo, absl::Duration timeout,
                                                              Cancellation* cancellation) {
  const auto pairs = conninfo.ForLibpq("backup-agent");
  std::vector<const char*> keywords;
  std::vector<const char*> values;
  for (const auto& [key, value] : pairs) {
    keywords.push_back(key.c_str());
    values.push_back(value.c_str());
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  PGconn* connection = PQconnectStartParams(keywords.data(), values.data(), /*expand_dbname=*/0);
  if (connection == nullptr) {
    return JobError(v1::INTERNAL, "out of memory");
  }
  std::unique_ptr<PgSession> session(new PgSession(conninfo, connection, cancellation));
  const absl::Duration deadline = Clock::Real().Monotonic() + timeout;
  PostgresPollingStatusType next =
      PQstatus(connection) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
  while (next != PGRES_POLLING_OK) {
    if (next == PGRES_POLLING_FAILED) {
      return ConnectError(conninfo.Describe(),
                          conninfo.Scrub(absl::StripTrailingAsciiWhitespace(PQerrorMessage(connection))));
    }
    absl::Status waited = WaitForSocket(connection, next == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline,
                                        cancellation, absl::StrCat("the login to ", conninfo.Describe()));
    if (absl::IsDeadlineExceeded(waited)) {
      return JobError(v1::NETWORK, waited.message(), HintFor(v1::NETWORK, ""));
    }
    RETURN_IF_ERROR(waited);
    next = PQconnectPoll(connection);
  }
  // Notices would go to our stderr.
  PQsetNoticeReceiver(
      connection, [](void*, const PGresult*) {}, nullptr);
  if (PQsetnonblocking(connection, 1) != 0) {
    return JobError(v1::INTERNAL, "cannot make the connection non-blocking");
  }
  return session;
}

PgSession::~PgSession() { PQfinish(connection_); }

int PgSession::server_version_num() const { return PQserverVersion(connection_); }

absl::StatusOr<PgRows> PgSession::Query(const std::string& sql, absl::Duration timeout,
                                        const std::vector<std::string>& parameters) {
  const absl::Duration deadline = Clock::Real().Monotonic() + timeout;
  auto error = [this](absl::string_view sqlstate) {
    return QueryError(sqlstate, conninfo_.Scrub(absl::StripTrailingAsciiWhitespace(PQerrorMessage(connection_))));
  };
  std::vector<const char*> values;
  for (const std::string& parameter : parameters) {
    values.push_back(parameter.c_str());
  }
  if (PQsendQueryParams(connection_, sql.c_str(), static_cast<int>(values.size()), nullptr, values.data(), nullptr,
                        nullptr, 0) == 0) {
    return error("");
  }
  while (true) {
    const int unsent = PQflush(connection_);
    if (unsent < 0 || PQconsumeInput(connection_) == 0) {
      return error("");
    }
    if (unsent == 0 && PQisBusy(connection_) == 0) {
      break;
    }
    RETURN_IF_ERROR(WaitForSocket(connection_, unsent > 0 ? POLLIN | POLLOUT : POLLIN, deadline, cancellation_,
                                  "a query of the database"));
  }
  PgRows rows;
  absl::Status status;
  // One statement gives one result; the loop takes the null that ends it.
  while (PGresult* result = PQgetResult(connection_)) {
    const ExecStatusType kind = PQresultStatus(result);
    if (kind != PGRES_TUPLES_OK && kind != PGRES_COMMAND_OK) {
      const char* sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
      status = error(sqlstate == nullptr ? "" : sqlstate);
    }
    for (int row = 0; row < PQntuples(result); ++row) {
      auto& columns = rows.emplace_back(PQnfields(result));
      for (int column = 0; column < PQnfields(result); ++column) {
        if (PQgetisnull(result, row, column) == 0) {
          columns[column].emplace(PQgetvalue(result, row, column), PQgetlength(result, row, column));
        }
      }
    }
    PQclear(result);
  }
  RETURN_IF_ERROR(status);
  return rows;
}

}  // namespace backup::agent
