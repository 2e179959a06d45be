// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/pg_session.h"

#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "agent/pipeline/dump_failure.h"
#include "agent/pipeline/job_failure.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/status_macros.h"

namespace backup::agent {
namespace {

// How often a wait looks whether it was cancelled.
constexpr absl::Duration kCancellationPeriod = absl::Milliseconds(100);
// How long a server may take to let go of a session that has ended.
constexpr absl::Duration kHangUpTimeout = absl::Milliseconds(500);

// Waits until the connection's socket is ready for `events`, the deadline has passed or somebody cancelled.
absl::Status WaitForSocket(PGconn* connection, int events, absl::Duration deadline, Cancellation* cancellation,
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
    struct pollfd descriptor = {PQsocket(connection), static_cast<decltype(pollfd::events)>(events), 0};
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

// Returns when the server has closed the connection, or after a while.
void AwaitHangUp(int socket) {
  const absl::Duration deadline = Clock::Real().Monotonic() + kHangUpTimeout;
  char ignored[4096];
  while (true) {
    const absl::Duration left = deadline - Clock::Real().Monotonic();
    if (left <= absl::ZeroDuration()) {
      return;
    }
    struct pollfd descriptor = {socket, POLLIN, 0};
    const int ready = poll(&descriptor, 1, static_cast<int>(absl::ToInt64Milliseconds(left)) + 1);
    if (ready < 0 && errno == EINTR) {
      continue;
    }
    if (ready <= 0 || recv(socket, ignored, sizeof(ignored), MSG_DONTWAIT) <= 0) {
      return;
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
  // Details and contexts quote rows, which have no place in logs and results.
  PQsetErrorVerbosity(connection, PQERRORS_TERSE);
  // Notices would go to our stderr.
  PQsetNoticeReceiver(
      connection, [](void*, const PGresult*) {}, nullptr);
  if (PQsetnonblocking(connection, 1) != 0) {
    return JobError(v1::INTERNAL, "cannot make the connection non-blocking");
  }
  return session;
}

PgSession::~PgSession() {
  if (PQtransactionStatus(connection_) == PQTRANS_ACTIVE) {
    // The server would go on with what nobody waits for any more.
    PGcancel* const cancel = PQgetCancel(connection_);
    char ignored[256];
    if (cancel != nullptr) {
      PQcancel(cancel, ignored, sizeof(ignored));
      PQfreeCancel(cancel);
    }
  }
  const FileDescriptor socket(PQstatus(connection_) == CONNECTION_OK ? fcntl(PQsocket(connection_), F_DUPFD_CLOEXEC, 0)
                                                                     : -1);
  PQfinish(connection_);
  if (socket.valid()) {
    // Its end, should the farewell not have found room.
    shutdown(socket.get(), SHUT_WR);
    AwaitHangUp(socket.get());
  }
}

int PgSession::server_version_num() const { return PQserverVersion(connection_); }

absl::Status PgSession::Error(absl::string_view sqlstate) const {
  return QueryError(sqlstate, conninfo_.Scrub(absl::StripTrailingAsciiWhitespace(PQerrorMessage(connection_))));
}

absl::Status PgSession::Send(const std::string& sql, absl::Duration timeout,
                             const std::vector<std::string>& parameters) {
  last_sqlstate_.clear();
  std::vector<const char*> values;
  for (const std::string& parameter : parameters) {
    values.push_back(parameter.c_str());
  }
  if (PQsendQueryParams(connection_, sql.c_str(), static_cast<int>(values.size()), nullptr, values.data(), nullptr,
                        nullptr, 0) == 0) {
    return Error("");
  }
  return AwaitResult(Clock::Real().Monotonic() + timeout, "a query of the database");
}

absl::Status PgSession::AwaitResult(absl::Duration deadline_monotonic, absl::string_view what) {
  while (true) {
    const int unsent = PQflush(connection_);
    if (unsent < 0 || PQconsumeInput(connection_) == 0) {
      return Error("");
    }
    if (unsent == 0 && PQisBusy(connection_) == 0) {
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(
        WaitForSocket(connection_, unsent > 0 ? POLLIN | POLLOUT : POLLIN, deadline_monotonic, cancellation_, what));
  }
}

absl::Status PgSession::TakeResults(PgRows* rows, int64_t* affected, absl::Duration stall_timeout) {
  absl::Status status;
  while (true) {
    RETURN_IF_ERROR(AwaitResult(Clock::Real().Monotonic() + stall_timeout, "the answer of the database"));
    PGresult* const result = PQgetResult(connection_);
    if (result == nullptr) {
      return status;
    }
    const ExecStatusType kind = PQresultStatus(result);
    if (kind != PGRES_TUPLES_OK && kind != PGRES_COMMAND_OK) {
      const char* sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
      last_sqlstate_ = sqlstate == nullptr ? "" : sqlstate;
      status.Update(Error(last_sqlstate_));
    }
    for (int row = 0; rows != nullptr && row < PQntuples(result); ++row) {
      auto& columns = rows->emplace_back(PQnfields(result));
      for (int column = 0; column < PQnfields(result); ++column) {
        if (PQgetisnull(result, row, column) == 0) {
          columns[column].emplace(PQgetvalue(result, row, column), PQgetlength(result, row, column));
        }
      }
    }
    if (affected != nullptr && !absl::SimpleAtoi(PQcmdTuples(result), affected)) {
      *affected = 0;
    }
    PQclear(result);
    if (kind == PGRES_COPY_IN || kind == PGRES_COPY_OUT) {
      // Nobody will feed or drain it: only the end of the session ends it.
      return JobError(v1::INTERNAL, "a statement that was no COPY began one");
    }
  }
}

absl::StatusOr<PgRows> PgSession::Query(const std::string& sql, absl::Duration timeout,
                                        const std::vector<std::string>& parameters) {
  PgRows rows;
  RETURN_IF_ERROR(Send(sql, timeout, parameters));
  RETURN_IF_ERROR(TakeResults(&rows, nullptr, timeout));
  return rows;
}

// Hands rows to a COPY that has begun, waiting while the server does not take them.
class PgSession::CopySink : public ByteSink {
 public:
  CopySink(PgSession& session, absl::Duration stall_timeout) : session_(session), stall_timeout_(stall_timeout) {}

  absl::Status Write(absl::string_view bytes) override {
    while (!bytes.empty()) {
      const absl::string_view piece = bytes.substr(0, kPieceBytes);
      const int put = PQputCopyData(session_.connection_, piece.data(), static_cast<int>(piece.size()));
      if (put < 0) {
        return session_.Error("");
      }
      if (put > 0) {
        bytes.remove_prefix(piece.size());
      }
      RETURN_IF_ERROR(Flush());
    }
    return absl::OkStatus();
  }
  absl::Status Finish() override { return absl::OkStatus(); }

 private:
  static constexpr size_t kPieceBytes = 128 << 10;

  absl::Status Flush() {
    const absl::Duration deadline = Clock::Real().Monotonic() + stall_timeout_;
    while (true) {
      const int unsent = PQflush(session_.connection_);
      if (unsent == 0) {
        return absl::OkStatus();
      }
      // The server may have something to say, an error for instance, before it takes more.
      if (unsent < 0 || PQconsumeInput(session_.connection_) == 0) {
        return session_.Error("");
      }
      RETURN_IF_ERROR(WaitForSocket(session_.connection_, POLLIN | POLLOUT, deadline, session_.cancellation_,
                                    "the database to take rows"));
    }
  }

  PgSession& session_;
  const absl::Duration stall_timeout_;
};

absl::Status PgSession::BeginCopy(const std::string& copy, int expected, absl::Duration stall_timeout) {
  RETURN_IF_ERROR(Send(copy, stall_timeout, {}));
  PGresult* const begun = PQgetResult(connection_);
  const ExecStatusType kind = PQresultStatus(begun);
  const char* sqlstate = PQresultErrorField(begun, PG_DIAG_SQLSTATE);
  last_sqlstate_ = sqlstate == nullptr ? "" : sqlstate;
  PQclear(begun);
  if (kind == expected) {
    return absl::OkStatus();
  }
  absl::Status status = kind == PGRES_FATAL_ERROR ? Error(last_sqlstate_)
                                                  : JobError(v1::INTERNAL, "a COPY was not the one that was meant");
  TakeResults(nullptr, nullptr, stall_timeout).IgnoreError();
  return status;
}

absl::StatusOr<int64_t> PgSession::CopyIn(const std::string& copy, absl::Duration stall_timeout,
                                          const std::function<absl::Status(ByteSink&)>& write) {
  RETURN_IF_ERROR(BeginCopy(copy, PGRES_COPY_IN, stall_timeout));
  CopySink sink(*this, stall_timeout);
  const absl::Status written = write(sink);
  if (PQputCopyEnd(connection_, written.ok() ? nullptr : "the rows could not be read") < 0) {
    return written.ok() ? Error("") : written;
  }
  int64_t rows = 0;
  const absl::Status ended = TakeResults(nullptr, &rows, stall_timeout);
  // What the server says of its own explains why it took no more.
  RETURN_IF_ERROR(ended.ok() || written.ok() || absl::IsInternal(written) ? ended : written);
  RETURN_IF_ERROR(written);
  return rows;
}

absl::Status PgSession::CopyOut(const std::string& copy, absl::Duration stall_timeout, ByteSink& sink) {
  RETURN_IF_ERROR(BeginCopy(copy, PGRES_COPY_OUT, stall_timeout));
  while (true) {
    char* row = nullptr;
    const int size = PQgetCopyData(connection_, &row, /*async=*/1);
    if (size > 0) {
      const absl::Status written = sink.Write(absl::string_view(row, static_cast<size_t>(size)));
      PQfreemem(row);
      RETURN_IF_ERROR(written);
    } else if (size == 0) {
      RETURN_IF_ERROR(WaitForSocket(connection_, POLLIN, Clock::Real().Monotonic() + stall_timeout, cancellation_,
                                    "rows of the database"));
      if (PQconsumeInput(connection_) == 0) {
        return Error("");
      }
    } else {
      break;
    }
  }
  return TakeResults(nullptr, nullptr, stall_timeout);
}

}  // namespace backup::agent
