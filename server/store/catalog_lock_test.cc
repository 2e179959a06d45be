// SPDX-License-Identifier: Apache-2.0
#include "server/store/catalog_lock.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/testing/matchers.h"
#include "tests/testing/mini_catalog.h"

namespace backup::server {
namespace {

using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::MiniCatalog;
using ::backup::testing::MiniPostgres;
using ::testing::HasSubstr;

class CatalogLockTest : public ::testing::Test {
 protected:
  void SetUp() override {
    absl::StatusOr<std::unique_ptr<MiniCatalog>> catalog = MiniCatalog::Create();
    ASSERT_THAT(catalog, IsOk());
    catalog_ = *std::move(catalog);
  }
  std::unique_ptr<CatalogLock> Acquire() {
    absl::StatusOr<std::unique_ptr<CatalogLock>> lock = CatalogLock::Acquire(catalog_->url());
    EXPECT_THAT(lock, IsOk());
    return lock.ok() ? *std::move(lock) : nullptr;
  }
  std::unique_ptr<MiniCatalog> catalog_;
};

TEST_F(CatalogLockTest, ASecondControllerIsRefusedAndToldWhoHoldsIt) {
  const std::unique_ptr<CatalogLock> first = Acquire();

  const absl::Status second = CatalogLock::Acquire(catalog_->url()).status();

  EXPECT_THAT(second, HasReason("CATALOG_IN_USE"));
  EXPECT_EQ(second.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.message()), HasSubstr("backup-controller"));
  EXPECT_THAT(std::string(second.message()), HasSubstr(absl::StrCat(":", getpid())));
  EXPECT_THAT(first->Check(), IsOk());
}

TEST_F(CatalogLockTest, TheLockIsFreeOnceItsHolderIsGone) {
  Acquire().reset();
  EXPECT_NE(Acquire(), nullptr);
}

TEST_F(CatalogLockTest, CatalogsOfOneServerAreLockedEachByItself) {
  const std::unique_ptr<CatalogLock> first = Acquire();
  absl::StatusOr<std::unique_ptr<MiniCatalog>> other = MiniCatalog::CreateEmpty();
  ASSERT_THAT(other, IsOk());
  EXPECT_THAT(CatalogLock::Acquire((*other)->url()), IsOk()) << "also where there is no schema yet";
}

TEST_F(CatalogLockTest, IsTakenAgainAfterTheCatalogRestarted) {
  const std::unique_ptr<CatalogLock> lock = Acquire();
  ASSERT_THAT(catalog_->cluster().Stop(MiniPostgres::StopMode::kImmediate), IsOk());
  EXPECT_THAT(lock->Check(), HasReason("CATALOG_UNAVAILABLE"));
  ASSERT_THAT(catalog_->cluster().Start(), IsOk());

  EXPECT_THAT(lock->Check(), IsOk());
  EXPECT_THAT(CatalogLock::Acquire(catalog_->url()), HasReason("CATALOG_IN_USE"));
}

TEST_F(CatalogLockTest, TellsWhenAnotherTookItMeanwhile) {
  const std::unique_ptr<CatalogLock> lock = Acquire();
  ASSERT_THAT(catalog_->Execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"), IsOk());
  const std::unique_ptr<CatalogLock> other = Acquire();

  EXPECT_THAT(lock->Check(), HasReason("CATALOG_IN_USE"));
  EXPECT_THAT(other->Check(), IsOk());
}

TEST_F(CatalogLockTest, SaysWhenTheCatalogIsAway) {
  ASSERT_THAT(catalog_->cluster().Stop(), IsOk());
  EXPECT_THAT(CatalogLock::Acquire(catalog_->url()), HasReason("CATALOG_UNAVAILABLE"));
  EXPECT_THAT(CatalogLock::Acquire("postgresql://%zz"), HasReason("CATALOG_URL_INVALID"));
  ASSERT_THAT(catalog_->cluster().Start(), IsOk());
}

}  // namespace
}  // namespace backup::server
