// SPDX-License-Identifier: Apache-2.0
#include "server/store/transaction_executor.h"

#include "base/clock.h"
#include "base/errors.h"
#include "base/log.h"
#include "server/store/sql_errors.h"

namespace backup::server {
namespace {

constexpr int kMaxAttempts = 8;
constexpr absl::Duration kFirstConflictPause = absl::Milliseconds(2);
constexpr absl::Duration kDoubtPause = absl::Milliseconds(100);

using ReadTransaction = pqxx::transaction<pqxx::repeatable_read, pqxx::read_only>;

}  // namespace

struct TransactionExecutor::Attempt {
  enum class Outcome { kDone, kFailed, kConnectionLost, kConflict, kInDoubt };
  Outcome outcome;
  absl::Status status;
  std::string transaction_id;  // Only with kInDoubt.
};

absl::Status TransactionExecutor::RunWithRetries(Access access, const StatusBody& body) {
  using Outcome = Attempt::Outcome;
  absl::Duration pause = kFirstConflictPause;
  absl::Status last;
  for (int attempt = 1; attempt <= kMaxAttempts; ++attempt) {
    Attempt result{Outcome::kFailed, absl::OkStatus(), ""};
    {
      absl::StatusOr<ConnectionPool::Lease> lease = pool_.Acquire();
      if (!lease.ok()) return lease.status();
      result = TryOnce(lease->connection(), access, body);
      if (result.outcome == Outcome::kConnectionLost || result.outcome == Outcome::kInDoubt) lease->Discard();
    }
    if (result.outcome == Outcome::kInDoubt) result = ResolveDoubt(result.transaction_id);
    last = result.status;
    switch (result.outcome) {
      case Outcome::kDone:
        return absl::OkStatus();
      case Outcome::kFailed:
      case Outcome::kInDoubt:
        return result.status;
      case Outcome::kConnectionLost:
        pool_.DropIdle();
        break;
      case Outcome::kConflict:
        if (!pool_.Pause(pause)) return result.status;
        pause *= 2;
        break;
    }
  }
  return last;
}

TransactionExecutor::Attempt TransactionExecutor::TryOnce(pqxx::connection& connection, Access access,
                                                          const StatusBody& body) {
  using Outcome = Attempt::Outcome;
  std::string transaction_id;
  try {
    if (access == Access::kRead) {
      ReadTransaction transaction(connection);
      const absl::Status status = body(transaction);
      if (!status.ok()) return {Outcome::kFailed, status, ""};
      transaction.commit();
      return {Outcome::kDone, absl::OkStatus(), ""};
    }
    pqxx::work transaction(connection);
    const absl::Status status = body(transaction);
    if (!status.ok()) return {Outcome::kFailed, status, ""};
    // Nothing when nothing was written.
    transaction_id = Exec(transaction, "SELECT coalesce(pg_current_xact_id_if_assigned()::text, '')")[0][0].c_str();
    transaction.commit();
    return {Outcome::kDone, absl::OkStatus(), ""};
  } catch (const std::exception& error) {
    const SqlFailure failure = ExplainException(error, connection.is_open());
    switch (failure.trouble) {
      case SqlTrouble::kConnectionLost:
        return {Outcome::kConnectionLost, failure.status, ""};
      case SqlTrouble::kConflict:
        return {Outcome::kConflict, failure.status, ""};
      case SqlTrouble::kInDoubt:
        if (transaction_id.empty()) return {Outcome::kConnectionLost, failure.status, ""};
        return {Outcome::kInDoubt, failure.status, transaction_id};
      case SqlTrouble::kOther:
        break;
    }
    return {Outcome::kFailed, failure.status, ""};
  }
}

TransactionExecutor::Attempt TransactionExecutor::ResolveDoubt(const std::string& transaction_id) {
  using Outcome = Attempt::Outcome;
  const Attempt unknown{Outcome::kInDoubt, CatalogUnavailable("the connection broke while it committed"), ""};
  const absl::Duration give_up = Clock::Real().Monotonic() + max_doubt_;
  while (Clock::Real().Monotonic() < give_up) {
    pool_.DropIdle();
    absl::StatusOr<ConnectionPool::Lease> lease = pool_.Acquire();
    if (!lease.ok()) {
      // A crashed server needs a moment to recover.
      if (!pool_.Pause(kDoubtPause)) return unknown;
      continue;
    }
    std::string state;
    try {
      pqxx::nontransaction transaction(lease->connection());
      state = Exec(transaction, "SELECT coalesce(pg_xact_status($1::xid8), '')", SqlParams().Text(transaction_id))[0][0]
                  .c_str();
    } catch (const std::exception& error) {
      lease->Discard();
      LogWarning("cannot ask the catalog what became of a transaction",
                 {{"error", ExplainException(error, true).status}});
    }
    if (state == "committed") return {Outcome::kDone, absl::OkStatus(), ""};
    if (state == "aborted") return {Outcome::kConnectionLost, unknown.status, ""};
    // "in progress": the server has not noticed yet that we are gone.
    if (!pool_.Pause(kDoubtPause)) return unknown;
  }
  return unknown;
}

pqxx::result Exec(pqxx::transaction_base& transaction, const std::string& sql, const SqlParams& params) {
  return transaction.exec_params(sql, pqxx::prepare::make_dynamic_params(params.values()));
}

}  // namespace backup::server
