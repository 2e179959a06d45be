// SPDX-License-Identifier: Apache-2.0
#include "server/domain/selector.h"

#include <gtest/gtest.h>

#include "base/resource_name.h"

namespace backup::server {
namespace {

v1::Database MakeDatabase(const std::string& agent, const std::string& id) {
  v1::Database database;
  database.set_name(MakeDatabaseName(agent, id));
  (*database.mutable_labels())["env"] = "prod";
  return database;
}

TEST(SelectorTest, MatchesGlobsOverDecodedIds) {
  v1::DatabaseSelector selector;
  EXPECT_TRUE(Selects(selector, MakeDatabase("db1", "orders")));
  selector.set_agent("db?");
  selector.set_database("or*s");
  EXPECT_TRUE(Selects(selector, MakeDatabase("db1", "orders")));
  EXPECT_FALSE(Selects(selector, MakeDatabase("db12", "orders")));
  EXPECT_FALSE(Selects(selector, MakeDatabase("db1", "users")));
  selector.set_database("my db/%*");
  EXPECT_TRUE(Selects(selector, MakeDatabase("db1", "my db/%x")));
}

TEST(SelectorTest, ExcludesWin) {
  v1::DatabaseSelector selector;
  selector.add_exclude("*_tmp");
  EXPECT_TRUE(Selects(selector, MakeDatabase("db1", "orders")));
  EXPECT_FALSE(Selects(selector, MakeDatabase("db1", "orders_tmp")));
}

TEST(SelectorTest, EveryLabelMustBeThereWithItsValue) {
  v1::DatabaseSelector selector;
  (*selector.mutable_labels())["env"] = "prod";
  EXPECT_TRUE(Selects(selector, MakeDatabase("db1", "orders")));
  (*selector.mutable_labels())["tier"] = "gold";
  EXPECT_FALSE(Selects(selector, MakeDatabase("db1", "orders")));
  selector.mutable_labels()->erase("tier");
  (*selector.mutable_labels())["env"] = "test";
  EXPECT_FALSE(Selects(selector, MakeDatabase("db1", "orders")));
}

TEST(SelectorTest, ANameThatIsNoneIsNeverSelected) {
  v1::Database database;
  EXPECT_FALSE(Selects(v1::DatabaseSelector(), database));
  database.set_name("agents/db1/databases/");
  EXPECT_FALSE(Selects(v1::DatabaseSelector(), database));
}

TEST(SelectorTest, AnySelectorCovers) {
  v1::PolicySpec spec;
  EXPECT_FALSE(Covers(spec, MakeDatabase("db1", "orders")));
  spec.add_databases()->set_agent("other");
  spec.add_databases()->set_database("orders");
  EXPECT_TRUE(Covers(spec, MakeDatabase("db1", "orders")));
  EXPECT_FALSE(Covers(spec, MakeDatabase("db1", "users")));
}

}  // namespace
}  // namespace backup::server
