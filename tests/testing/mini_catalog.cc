// SPDX-License-Identifier: Apache-2.0
#include "tests/testing/mini_catalog.h"

#include <gtest/gtest.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "server/store/migrations.h"

namespace backup::testing {
namespace {

constexpr char kPattern[] = "catalog_pattern";

// Owned by gtest, which tears it down after the last test, also after a failed one.
class SharedCluster : public ::testing::Environment {
 public:
  absl::StatusOr<MiniPostgres*> Get() {
    if (postgres_ == nullptr) {
      ASSIGN_OR_RETURN(postgres_, MiniPostgres::Create());
      RETURN_IF_ERROR(postgres_->Execute(absl::StrCat("CREATE DATABASE ", kPattern)));
      RETURN_IF_ERROR(server::ApplyMigrations(postgres_->Url(kPattern)));
    }
    // The test before may have failed between stop and start.
    RETURN_IF_ERROR(postgres_->Start());
    return postgres_.get();
  }
  int NextNumber() { return ++last_number_; }
  // Names of databases with the schema and with what the last test left in them.
  std::vector<std::string>& used_names() { return used_names_; }
  void TearDown() override { postgres_.reset(); }

 private:
  std::unique_ptr<MiniPostgres> postgres_;
  int last_number_ = 0;
  std::vector<std::string> used_names_;
};

SharedCluster* const kSharedCluster =
    static_cast<SharedCluster*>(::testing::AddGlobalTestEnvironment(new SharedCluster()));

}  // namespace

absl::StatusOr<std::unique_ptr<MiniCatalog>> MiniCatalog::Create() {
  ASSIGN_OR_RETURN(MiniPostgres * cluster, kSharedCluster->Get());
  std::vector<std::string>& used = kSharedCluster->used_names();
  if (used.empty()) return CreateFrom(kPattern);
  std::unique_ptr<MiniCatalog> catalog(new MiniCatalog(*cluster, used.back()));
  used.pop_back();
  RETURN_IF_ERROR(catalog->Empty());
  return catalog;
}

absl::StatusOr<std::unique_ptr<MiniCatalog>> MiniCatalog::CreateEmpty() {
  ASSIGN_OR_RETURN(std::unique_ptr<MiniCatalog> catalog, CreateFrom("template0"));
  catalog->SetSpoiled();
  return catalog;
}

absl::StatusOr<std::unique_ptr<MiniCatalog>> MiniCatalog::CreateFrom(const std::string& pattern) {
  ASSIGN_OR_RETURN(MiniPostgres * cluster, kSharedCluster->Get());
  std::unique_ptr<MiniCatalog> catalog(
      new MiniCatalog(*cluster, absl::StrCat("catalog_", kSharedCluster->NextNumber())));
  RETURN_IF_ERROR(cluster->Execute(absl::StrCat("CREATE DATABASE ", catalog->name_, " TEMPLATE ", pattern)));
  return catalog;
}

absl::Status MiniCatalog::Empty() {
  // Not TRUNCATE, which makes new files.
  return Execute(
      "DELETE FROM run_log_lines; DELETE FROM run_requests; DELETE FROM runs; DELETE FROM backup_manifests; "
      "DELETE FROM backups; DELETE FROM backup_totals; DELETE FROM databases; DELETE FROM agents; DELETE FROM "
      "policies; "
      "DELETE FROM enrollment_tokens; DELETE FROM events; DELETE FROM run_counts; DELETE FROM due_counts");
}

MiniCatalog::~MiniCatalog() {
  if (!spoiled_) {
    kSharedCluster->used_names().push_back(name_);
    return;
  }
  cluster_.Start().IgnoreError();
  cluster_.Execute(absl::StrCat("DROP DATABASE IF EXISTS ", name_, " WITH (FORCE)")).IgnoreError();
}

}  // namespace backup::testing
