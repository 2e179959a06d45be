// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/restore_order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace backup::agent {
namespace {

using Keys = std::vector<std::string>;

void Add(RestoreOrder& order, const std::string& name, const Keys& exclusive, const Keys& shared = {},
         int64_t weight = 0) {
  auto task = std::make_unique<RestoreTask>();
  task->statements = {name};
  task->exclusive = exclusive;
  task->shared = shared;
  task->weight = weight;
  order.Add(std::move(task));
}

std::string NameOf(const RestoreTask* task) { return task == nullptr ? "none" : task->statements.front(); }

TEST(RestoreOrderTest, TasksOfDifferentTablesRunSideBySide) {
  RestoreOrder order;
  Add(order, "a", {"t"});
  Add(order, "b", {"u"});
  EXPECT_EQ(NameOf(order.Next()), "a");
  EXPECT_EQ(NameOf(order.Next()), "b");
  EXPECT_EQ(NameOf(order.Next()), "none");
}

TEST(RestoreOrderTest, TheLongestOfThoseThatMayRunComesFirst) {
  RestoreOrder order;
  Add(order, "short", {"t"}, {}, 1);
  Add(order, "long", {"u"}, {}, 5);
  Add(order, "longest, but after the first of its table", {"t"}, {}, 9);
  EXPECT_EQ(NameOf(order.Next()), "long");
  EXPECT_EQ(NameOf(order.Next()), "short");
  EXPECT_EQ(NameOf(order.Next()), "none");
}

TEST(RestoreOrderTest, TasksOfOneTableRunOneAfterTheOther) {
  RestoreOrder order;
  Add(order, "a", {"t"});
  Add(order, "b", {"t"});
  Add(order, "c", {"u"});
  const RestoreTask* const a = order.Next();
  EXPECT_EQ(NameOf(order.Next()), "c");
  EXPECT_EQ(NameOf(order.Next()), "none");
  order.Done(a);
  EXPECT_EQ(NameOf(order.Next()), "b");
}

TEST(RestoreOrderTest, SharersRunSideBySideButNotBesideAnOwner) {
  RestoreOrder order;
  Add(order, "i", {}, {"t"});
  Add(order, "j", {}, {"t"});
  Add(order, "k", {"t"});
  Add(order, "l", {}, {"t"});
  const RestoreTask* const i = order.Next();
  const RestoreTask* const j = order.Next();
  EXPECT_EQ(NameOf(j), "j");
  EXPECT_EQ(NameOf(order.Next()), "none");
  order.Done(i);
  EXPECT_EQ(NameOf(order.Next()), "none");
  order.Done(j);
  const RestoreTask* const k = order.Next();
  EXPECT_EQ(NameOf(k), "k");
  EXPECT_EQ(NameOf(order.Next()), "none");
  order.Done(k);
  EXPECT_EQ(NameOf(order.Next()), "l");
}

TEST(RestoreOrderTest, NobodyOvertakesOneThatWaits) {
  RestoreOrder order;
  Add(order, "a", {"t"});
  Add(order, "b", {"t", "u"});
  Add(order, "c", {"u"});
  const RestoreTask* const a = order.Next();
  // c needs what b leaves, although nothing that runs locks u.
  EXPECT_EQ(NameOf(order.Next()), "none");
  order.Done(a);
  const RestoreTask* const b = order.Next();
  EXPECT_EQ(NameOf(b), "b");
  order.Done(b);
  const RestoreTask* const c = order.Next();
  EXPECT_EQ(NameOf(c), "c");
  EXPECT_FALSE(order.empty());
  order.Done(c);
  EXPECT_TRUE(order.empty());
}

TEST(TaskOfTest, AFollowerLocksWhatTheOneBeforeItLocks) {
  const auto index = TaskOf(ClassifyStatement("CREATE INDEX i ON s.t USING btree (a)"), nullptr);
  ASSERT_TRUE(index.has_value());
  const auto comment = TaskOf(ClassifyStatement("COMMENT ON INDEX s.i IS 'x'"), &*index);
  ASSERT_TRUE(comment.has_value());
  EXPECT_EQ(comment->exclusive, index->shared);
  EXPECT_FALSE(TaskOf(ClassifyStatement("COMMENT ON INDEX s.i IS 'x'"), nullptr).has_value());
}

TEST(TaskOfTest, AnIndexWaitsForTheRowsOfItsTableAndForNoOthers) {
  RestoreOrder order;
  for (const char* text : {"COPY s.t (a) FROM stdin", "COPY s.u (a) FROM stdin",
                           "CREATE INDEX i ON s.t USING btree (a)", "CREATE INDEX j ON s.u USING btree (a)"}) {
    order.Add(std::make_unique<RestoreTask>(*TaskOf(ClassifyStatement(text), nullptr)));
  }
  order.Next();
  const RestoreTask* const rows_of_u = order.Next();
  EXPECT_EQ(NameOf(order.Next()), "none");
  order.Done(rows_of_u);
  EXPECT_EQ(NameOf(order.Next()), "CREATE INDEX j ON s.u USING btree (a)");
  EXPECT_EQ(NameOf(order.Next()), "none");
}

TEST(TaskOfTest, AForeignKeyLocksBothTables) {
  const auto task = TaskOf(
      ClassifyStatement("ALTER TABLE ONLY s.a\n    ADD CONSTRAINT f FOREIGN KEY (x) REFERENCES s.b(y)"), nullptr);
  ASSERT_TRUE(task.has_value());
  EXPECT_EQ(task->exclusive.size(), 2u);
}

TEST(TaskOfTest, WhatIsNotKnownHasOnlyItsPlace) {
  EXPECT_FALSE(TaskOf(ClassifyStatement("CREATE RULE r AS ON INSERT TO s.t DO NOTHING"), nullptr).has_value());
}

}  // namespace
}  // namespace backup::agent
