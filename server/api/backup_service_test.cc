// SPDX-License-Identifier: Apache-2.0
#include "server/api/backup_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/api/api_test_server.h"
#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::Property;
using BackupServiceStub = v1::BackupService::Stub;

class BackupServiceTest : public ::testing::Test {
 protected:
  BackupServiceTest() {
    Put("20261121T220000Z-aaaaaaaaaa", "agents/db1/databases/shop", v1::GOOD);
    Put("20261122T220000Z-bbbbbbbbbb", "agents/db1/databases/shop", v1::BAD);
    Put("20261123T220000Z-cccccccccc", "agents/db2/databases/crm", v1::GOOD);
  }
  void Put(const std::string& id, const std::string& database, v1::BackupState state) {
    v1::Backup backup;
    backup.set_name("backups/" + id);
    backup.set_database(database);
    backup.set_state(state);
    backup.mutable_manifest()->set_backup_id(id);
    server_.store().PutBackup(backup);
  }

  ApiTestServer server_;
  const std::unique_ptr<BackupServiceStub> stub_ = v1::BackupService::NewStub(server_.Dial(server_.User()));
};

TEST_F(BackupServiceTest, GetsOneWithItsManifest) {
  v1::GetBackupRequest request;
  request.set_name("backups/20261121T220000Z-aaaaaaaaaa");
  const auto backup = Call(stub_, &BackupServiceStub::GetBackup, request);
  ASSERT_THAT(backup, IsOk());
  EXPECT_EQ(backup->manifest().backup_id(), "20261121T220000Z-aaaaaaaaaa");
  request.set_name("backups/20261121T220000Z-dddddddddd");
  EXPECT_THAT(Call(stub_, &BackupServiceStub::GetBackup, request), HasReason("BACKUP_NOT_FOUND"));
  request.set_name("backups/..");
  EXPECT_THAT(Call(stub_, &BackupServiceStub::GetBackup, request), HasReason("INVALID_RESOURCE_NAME"));
}

TEST_F(BackupServiceTest, ListsTheNewestFirstWithoutManifests) {
  v1::ListBackupsRequest request;
  request.set_page_size(2);
  const auto first = Call(stub_, &BackupServiceStub::ListBackups, request);
  ASSERT_THAT(first, IsOk());
  EXPECT_THAT(first->backups(), ElementsAre(Property(&v1::Backup::name, "backups/20261123T220000Z-cccccccccc"),
                                            Property(&v1::Backup::name, "backups/20261122T220000Z-bbbbbbbbbb")));
  EXPECT_FALSE(first->backups(0).has_manifest());
  request.set_page_token(first->next_page_token());
  EXPECT_EQ(Call(stub_, &BackupServiceStub::ListBackups, request)->backups_size(), 1);
}

TEST_F(BackupServiceTest, ListsByFilter) {
  v1::ListBackupsRequest request;
  request.mutable_filter()->set_database("agents/db1/databases/shop");
  request.mutable_filter()->add_states(v1::GOOD);
  EXPECT_THAT(Call(stub_, &BackupServiceStub::ListBackups, request)->backups(),
              ElementsAre(Property(&v1::Backup::name, "backups/20261121T220000Z-aaaaaaaaaa")));
}

TEST_F(BackupServiceTest, ListRefusesAFilterThatCannotMatch) {
  v1::ListBackupsRequest request;
  request.mutable_filter()->set_database("shop");
  EXPECT_THAT(Call(stub_, &BackupServiceStub::ListBackups, request), HasReason("INVALID_FIELD"));
  request.mutable_filter()->clear_database();
  request.mutable_filter()->add_states(static_cast<v1::BackupState>(9));
  EXPECT_THAT(Call(stub_, &BackupServiceStub::ListBackups, request), HasReason("INVALID_FIELD"));
}

TEST_F(BackupServiceTest, SaysThatTheCatalogIsAway) {
  server_.store().SetUnavailable(true);
  EXPECT_THAT(Call(stub_, &BackupServiceStub::ListBackups, v1::ListBackupsRequest()), HasReason("CATALOG_UNAVAILABLE"));
}

}  // namespace
}  // namespace backup::server
