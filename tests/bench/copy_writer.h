// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <libpq-fe.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace backup::bench {

// Rows on their way into one table of a catalog by COPY, each writer with a connection of its own. For one thread.
class CopyWriter {
 public:
  // `target`: table and columns, e.g. "agents (name, data)". `conninfo` as CatalogConninfo gives it.
  static absl::StatusOr<std::unique_ptr<CopyWriter>> Open(const std::string& conninfo, const std::string& target);
  // Without Finish nothing of it stays.
  ~CopyWriter();
  CopyWriter(const CopyWriter&) = delete;
  CopyWriter& operator=(const CopyWriter&) = delete;

  // The fields of a row from left to right, then EndRow. Text must need no escape: no tab, newline or backslash.
  CopyWriter& Text(absl::string_view value);
  CopyWriter& Int(int64_t value);
  CopyWriter& Bool(bool value);
  CopyWriter& Time(absl::Time value);
  CopyWriter& Null();
  // An error of the server comes with the next Finish.
  void EndRow();

  // All rows are in.
  absl::Status Finish();

 private:
  explicit CopyWriter(PGconn* connection) : connection_(connection) {}
  void Separate();
  void Send();

  PGconn* const connection_;
  std::string buffer_;
  bool row_begun_ = false;
};

// Statements without rows, each in a transaction of its own.
absl::Status ExecuteSql(const std::string& conninfo, const std::string& sql);
// First column of the rows.
absl::StatusOr<std::vector<std::string>> QuerySql(const std::string& conninfo, const std::string& sql);

}  // namespace backup::bench
