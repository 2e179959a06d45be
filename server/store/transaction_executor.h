// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <pqxx/pqxx>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/status/statusor.h"
#include "server/store/connection_pool.h"
#include "server/store/sql_params.h"

namespace backup::server {

// Runs transactions against the catalog: begins, calls the body, commits when it returns OK, else rolls back and
// returns its error. Exceptions of libpqxx end here. Serialization failures, deadlocks and lost connections are tried
// again, a few times; so a body may be called more than once, and must change nothing but the catalog.
//
// When the connection breaks between COMMIT and its answer, the server is asked what became of the transaction, so that
// the verb tells the truth; CATALOG_UNAVAILABLE when it cannot be asked.
//
// Thread-safe. Borrows the pool.
class TransactionExecutor {
 public:
  // `max_doubt`: for how long to ask what became of a transaction.
  TransactionExecutor(ConnectionPool& pool, absl::Duration max_doubt) : pool_(pool), max_doubt_(max_doubt) {}

  // `body` takes a pqxx::transaction_base& and returns absl::Status or absl::StatusOr<T>.
  // Read: one snapshot for all statements, nothing can be written. Write: READ COMMITTED; what must not change
  // meanwhile is locked by the body.
  template <typename Body>
  auto Read(const Body& body) {
    return Run(Access::kRead, body);
  }
  template <typename Body>
  auto Write(const Body& body) {
    return Run(Access::kWrite, body);
  }

 private:
  enum class Access { kRead, kWrite };
  using StatusBody = std::function<absl::Status(pqxx::transaction_base&)>;
  struct Attempt;

  static const absl::Status& StatusOf(const absl::Status& status) { return status; }
  template <typename T>
  static const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
    return result.status();
  }

  template <typename Body>
  auto Run(Access access, const Body& body) {
    using Result = std::invoke_result_t<const Body&, pqxx::transaction_base&>;
    Result result = absl::UnknownError("the body was not called");
    const absl::Status status = RunWithRetries(access, [&](pqxx::transaction_base& transaction) {
      result = body(transaction);
      return StatusOf(result);
    });
    if (!status.ok()) return Result(status);
    return result;
  }

  absl::Status RunWithRetries(Access access, const StatusBody& body);
  Attempt TryOnce(pqxx::connection& connection, Access access, const StatusBody& body);
  Attempt ResolveDoubt(const std::string& transaction_id);

  ConnectionPool& pool_;
  const absl::Duration max_doubt_;
};

// One statement with its values. Throws as libpqxx does; for bodies.
pqxx::result Exec(pqxx::transaction_base& transaction, const std::string& sql, const SqlParams& params = {});

}  // namespace backup::server
