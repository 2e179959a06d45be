// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/proto_json.h"
#include "server/store/store.h"
#include "tests/testing/matchers.h"
#include "tests/testing/mini_catalog.h"

namespace backup::testing {

// What server::Store promises, for every implementation: the same tests over the fake and over PostgreSQL, so that the
// fake cannot lie. Tests use only the interface; store_contract_*_test.cc hold them, by noun.
enum class StoreKind { kFake, kPostgres };

// The database that most of them are about.
inline constexpr char kOrders[] = "agents/db1/databases/orders";

class StoreContractTest : public ::testing::TestWithParam<StoreKind> {
 protected:
  void SetUp() override;

  server::Store& store() { return *store_; }

  // 2026-11-23T12:00:00Z.
  static absl::Time Now();

  // Enrols the agent and reports these databases of it, by id; last seen at `seen`, unless never. Again: the databases
  // are replaced.
  void AddAgent(const std::string& agent_id, const std::vector<std::string>& databases,
                absl::Time seen = absl::InfinitePast());
  // A valid policy of this id, stored.
  v1::Policy AddPolicy(const std::string& policy_id, bool paused = false);
  // Stores these runs of the policy as a plan does.
  void Plan(const std::string& policy_id, const std::vector<v1::Run>& runs);
  // A run by hand, brought to a state by `change`.
  v1::Run AddRun(const v1::Run& run, const std::function<void(v1::Run&)>& change = nullptr);
  // Puts the backup in, through a run.
  void AddBackup(const v1::Backup& backup);
  // Changes one run, or fails the test.
  v1::Run Change(const std::string& run_name, const std::function<void(v1::Run&)>& change);

  // Every item of a list, page by page.
  template <typename T>
  std::vector<T> AllPages(int size, const std::function<absl::StatusOr<server::Page<T>>(server::PageRequest)>& list) {
    std::vector<T> items;
    server::PageRequest request{size, ""};
    do {
      absl::StatusOr<server::Page<T>> page = list(request);
      EXPECT_THAT(page, IsOk());
      if (!page.ok()) break;
      EXPECT_LE(page->items.size(), static_cast<size_t>(size));
      items.insert(items.end(), page->items.begin(), page->items.end());
      request.token = page->next_token;
    } while (!request.token.empty());
    return items;
  }

 private:
  std::unique_ptr<MiniCatalog> catalog_;
  std::unique_ptr<server::Store> store_;
  int backup_run_count_ = 0;
};

// Values for tests. Times are relative to StoreContractTest::Now().
v1::Policy TestPolicy(const std::string& policy_id, bool paused = false);
// SCHEDULED BACKUP run of database `agents/db1/databases/{database}` under the policy, due `in` from now.
v1::Run PlannedRun(const std::string& run_id, const std::string& policy_id, const std::string& database,
                   absl::Duration in);
// PENDING BACKUP run by hand, without a policy.
v1::Run ManualRun(const std::string& run_id, const std::string& database_name);
// GOOD, with a small manifest; `minute` makes the id.
v1::Backup TestBackup(int minute, const std::string& database_name, v1::BackupState state = v1::GOOD);
v1::Event TestEvent(const std::string& subject, const std::string& type = "RUN_CHANGED");
// 64 hex digits.
std::string TokenHash(char digit);

// The names of a list's items.
template <typename Items>
std::vector<std::string> NamesOf(const Items& items) {
  std::vector<std::string> names;
  for (const auto& item : items) names.push_back(item.name());
  return names;
}

#define INSTANTIATE_STORE_CONTRACT(suite)                                                         \
  INSTANTIATE_TEST_SUITE_P(All, suite, ::testing::Values(StoreKind::kFake, StoreKind::kPostgres), \
                           [](const auto& info) { return info.param == StoreKind::kFake ? "Fake" : "Postgres"; })

}  // namespace backup::testing
