// SPDX-License-Identifier: Apache-2.0
#include "tests/testing/mini_catalog.h"

#include <gtest/gtest.h>

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
  void TearDown() override { postgres_.reset(); }

 private:
  std::unique_ptr<MiniPostgres> postgres_;
  int last_number_ = 0;
};

SharedCluster* const g_shared_cluster =
    static_cast<SharedCluster*>(::testing::AddGlobalTestEnvironment(new SharedCluster()));

}  // namespace

absl::StatusOr<std::unique_ptr<MiniCatalog>> MiniCatalog::Create() { return CreateFrom(kPattern); }
absl::StatusOr<std::unique_ptr<MiniCatalog>> MiniCatalog::CreateEmpty() { return CreateFrom("template0"); }

absl::StatusOr<std::unique_ptr<MiniCatalog>> MiniCatalog::CreateFrom(const std::string& pattern) {
  ASSIGN_OR_RETURN(MiniPostgres * cluster, g_shared_cluster->Get());
  std::unique_ptr<MiniCatalog> catalog(
      new MiniCatalog(*cluster, absl::StrCat("catalog_", g_shared_cluster->NextNumber())));
  RETURN_IF_ERROR(cluster->Execute(absl::StrCat("CREATE DATABASE ", catalog->name_, " TEMPLATE ", pattern)));
  return catalog;
}

MiniCatalog::~MiniCatalog() {
  cluster_.Start().IgnoreError();
  cluster_.Execute(absl::StrCat("DROP DATABASE IF EXISTS ", name_, " WITH (FORCE)")).IgnoreError();
}

}  // namespace backup::testing
