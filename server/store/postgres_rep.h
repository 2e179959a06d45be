// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include "server/store/connection_pool.h"
#include "server/store/postgres_store.h"
#include "server/store/transaction_executor.h"

namespace backup::server {

// What the verbs of PostgresStore share; for the postgres_*.cc files.
struct PostgresStore::Rep {
  explicit Rep(ConnectionPool::Options options) : pool(std::move(options)) {}

  ConnectionPool pool;
  TransactionExecutor executor{pool};
};

}  // namespace backup::server
