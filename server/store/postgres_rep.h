// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include "server/store/connection_pool.h"
#include "server/store/postgres_store.h"
#include "server/store/transaction_executor.h"

namespace backup::server {

// What the verbs of PostgresStore share; for the postgres_*.cc files.
struct PostgresStore::Rep {
  Rep(ConnectionPool::Options options, absl::Duration max_doubt)
      : pool(std::move(options)), executor(pool, max_doubt) {}

  ConnectionPool pool;
  TransactionExecutor executor;
};

}  // namespace backup::server
