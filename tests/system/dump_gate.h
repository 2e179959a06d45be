// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <libpq-fe.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "tests/testing/mini_postgres.h"

namespace backup::testing {

// Holds every pg_dump of one database in the middle of its data, for as long as it lives: pg_dump has locked and
// written all tables, and waits for the large objects, which are locked. So a story can act while a real dump is under
// way, on a machine of any speed. The database must hold a large object: see Prepare.
class DumpGate {
 public:
  // Gives the database what the gate needs, and some `row_count` rows in a table `filler`, so that bytes have passed.
  static absl::Status Prepare(MiniPostgres& server, const std::string& database, int row_count = 20'000);

  // Closes it.
  DumpGate(MiniPostgres& server, const std::string& database);
  // Opens it; idempotent.
  void Open();
  ~DumpGate() { Open(); }
  DumpGate(const DumpGate&) = delete;
  DumpGate& operator=(const DumpGate&) = delete;

  bool closed() const { return session_ != nullptr; }
  // Whether a session of the database waits at it now.
  bool SomebodyWaits() const;

 private:
  struct Finish {
    void operator()(PGconn* session) const { PQfinish(session); }
  };
  MiniPostgres& server_;
  std::unique_ptr<PGconn, Finish> session_;
};

// A session that holds ACCESS EXCLUSIVE on one table: a pg_dump waits for it before its first byte.
class TableLock {
 public:
  TableLock(MiniPostgres& server, const std::string& database, const std::string& table);
  ~TableLock();
  TableLock(const TableLock&) = delete;
  TableLock& operator=(const TableLock&) = delete;

 private:
  PGconn* session_;
};

}  // namespace backup::testing
