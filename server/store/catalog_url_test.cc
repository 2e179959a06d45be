// SPDX-License-Identifier: Apache-2.0
#include "server/store/catalog_url.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using ::backup::testing::HasReason;
using ::backup::testing::IsOkAndHolds;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(CatalogUrlTest, IsDescribedWithoutUserAndPassword) {
  const std::pair<const char*, const char*> cases[] = {
      {"postgresql://u:secret@db1.example:5433/catalog?sslmode=require", "db1.example:5433/catalog"},
      {"postgres://db1/catalog", "db1/catalog"},
      {"host=db1 dbname='my catalog' password=secret", "db1/my catalog"},
      {"postgresql:///catalog", "localhost/catalog"},
      {"postgresql:///catalog?host=/run/x&port=7", "/run/x:7/catalog"},
      {"postgresql://[::1]:5432/c", "::1:5432/c"},
      {"hostaddr=10.0.0.1", "10.0.0.1"},
      {"dbname='a\x1b[31m'", "localhost/a\\x1b[31m"},
  };
  for (const auto& [url, expected] : cases) {
    EXPECT_THAT(DescribeCatalog(url), IsOkAndHolds(std::string(expected))) << url;
  }
}

TEST(CatalogUrlTest, GarbageIsRefusedWithoutBeingShown) {
  for (const std::string& url :
       {std::string("postgresql://u:s3cret@h/d?=1"), std::string("s3cret"), std::string("postgresql://u:%zzs3cret@h/d"),
        std::string("postgresql://u@h/d?s3cret=1"), std::string("password='s3cret"),
        std::string("postgresql://u:s3cret@[h/d"), std::string("dbname=s3cret\0x", 15)}) {
    for (const absl::Status& status :
         {DescribeCatalog(url).status(), CatalogConninfo(url).status(), CatalogUrlHasPassword(url).status()}) {
      EXPECT_THAT(status, HasReason("CATALOG_URL_INVALID")) << url;
      EXPECT_THAT(status.ToString(), Not(HasSubstr("s3cret")));
    }
  }
}

TEST(CatalogUrlTest, KnowsWhetherAPasswordIsInIt) {
  EXPECT_THAT(CatalogUrlHasPassword("postgresql://u:p@h/d"), IsOkAndHolds(true));
  EXPECT_THAT(CatalogUrlHasPassword("postgresql://u@h/d?password=p"), IsOkAndHolds(true));
  EXPECT_THAT(CatalogUrlHasPassword("host=h password=p"), IsOkAndHolds(true));
  EXPECT_THAT(CatalogUrlHasPassword("postgresql://u@h/d?sslpassword=p"), IsOkAndHolds(true));
  EXPECT_THAT(CatalogUrlHasPassword("postgresql://u@h/d"), IsOkAndHolds(false));
}

TEST(CatalogUrlTest, ConninfoKeepsWhatTheUrlSaysAndAddsTheRest) {
  const absl::StatusOr<std::string> conninfo = CatalogConninfo(
      "postgresql://u:a%27b%5Cc@h/d?connect_timeout=77&application_name=mine&options=-c%20work_mem%3D64MB");
  ASSERT_TRUE(conninfo.ok());
  EXPECT_THAT(*conninfo, HasSubstr("password='a\\'b\\\\c'"));
  EXPECT_THAT(*conninfo, HasSubstr("connect_timeout='77'"));
  EXPECT_THAT(*conninfo, HasSubstr("application_name='mine'"));
  EXPECT_THAT(*conninfo, HasSubstr("work_mem=64MB"));
  EXPECT_THAT(*conninfo, HasSubstr("statement_timeout="));
  EXPECT_THAT(*conninfo, HasSubstr("search_path=backupctl"));
  EXPECT_THAT(*CatalogConninfo("postgresql://h/d"), HasSubstr("application_name='backup-controller "));
}

}  // namespace
}  // namespace backup::server
