// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "tests/testing/mini_postgres.h"

namespace backup::testing {

// A catalog of a test's own: an empty database with the schema, in a cluster that all tests of a process share and that
// is thrown away when the last test has run. A few milliseconds: what one test leaves behind the next one gets,
// emptied. For one thread.
class MiniCatalog {
 public:
  static absl::StatusOr<std::unique_ptr<MiniCatalog>> Create();
  // A database without the schema.
  static absl::StatusOr<std::unique_ptr<MiniCatalog>> CreateEmpty();
  // Nobody may be connected.
  ~MiniCatalog();
  MiniCatalog(const MiniCatalog&) = delete;
  MiniCatalog& operator=(const MiniCatalog&) = delete;

  std::string url() const { return cluster_.Url(name_); }
  const std::string& name() const { return name_; }
  // The shared cluster; a test that stops it starts it again.
  MiniPostgres& cluster() { return cluster_; }
  // The test changes the schema: nobody else gets this database.
  void SetSpoiled() { spoiled_ = true; }
  // As superuser, in our schema.
  absl::Status Execute(const std::string& sql) {
    return cluster_.Execute("SET search_path = backupctl; " + sql, name_);
  }
  absl::StatusOr<std::string> Query(const std::string& sql) {
    return cluster_.Query("SET search_path = backupctl; " + sql, name_);
  }

 private:
  MiniCatalog(MiniPostgres& cluster, std::string name) : cluster_(cluster), name_(std::move(name)) {}
  static absl::StatusOr<std::unique_ptr<MiniCatalog>> CreateFrom(const std::string& pattern);
  absl::Status Empty();

  MiniPostgres& cluster_;
  const std::string name_;
  bool spoiled_ = false;
};

}  // namespace backup::testing
