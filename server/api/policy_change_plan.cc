// SPDX-License-Identifier: Apache-2.0
#include "server/api/policy_change_plan.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/units.h"
#include "server/domain/retention_change.h"
#include "server/domain/selector.h"

namespace backup::server {
namespace {

constexpr int kDatabasePage = 1000;
// Of the answer, by its contract.
constexpr int kMaxDatabasesTold = 100;

}  // namespace

absl::StatusOr<v1::PolicyChangePlan> ReadPolicyChangePlan(Store& store, const std::optional<v1::Policy>& before,
                                                          const v1::Policy& after, absl::Time now) {
  v1::PolicyChangePlan plan;
  if (!ChangesRetention(before, after)) return plan;
  v1::BackupFilter of_policy;
  of_policy.set_policy(after.name());
  ASSIGN_OR_RETURN(const Page<v1::Backup> some, store.ListBackups(of_policy, {1, ""}));
  if (some.items.empty()) return plan;  // As of most policies that are new.
  std::vector<v1::DatabaseDeletion> deletions;
  PageRequest page;
  page.size = kDatabasePage;
  do {
    ASSIGN_OR_RETURN(const Page<RetentionView> views, store.ListRetentionViews(now, page));
    for (const RetentionView& view : views.items) {
      if (view.policy != after.name()) continue;
      v1::DatabaseDeletion deletion = DeletedByChange(view.state, before, after, now);
      if (deletion.delete_count() == 0) continue;
      deletion.set_database(view.database);
      plan.set_delete_count(plan.delete_count() + deletion.delete_count());
      plan.set_delete_bytes(plan.delete_bytes() + deletion.delete_bytes());
      deletions.push_back(std::move(deletion));
    }
    page.token = views.next_token;
  } while (!page.token.empty());
  std::stable_sort(
      deletions.begin(), deletions.end(),
      [](const v1::DatabaseDeletion& a, const v1::DatabaseDeletion& b) { return a.delete_bytes() > b.delete_bytes(); });
  for (v1::DatabaseDeletion& deletion : deletions) {
    if (plan.databases_size() == kMaxDatabasesTold) break;
    *plan.add_databases() = std::move(deletion);
  }
  return plan;
}

absl::Status CheckNothingGoes(Store& store, const std::optional<v1::Policy>& before, const v1::Policy& after,
                              absl::Time now) {
  ASSIGN_OR_RETURN(const v1::PolicyChangePlan plan, ReadPolicyChangePlan(store, before, after, now));
  if (plan.delete_count() == 0) return absl::OkStatus();
  return MakeError(absl::StatusCode::kFailedPrecondition, "RETENTION_SHRINKS",
                   absl::StrCat("by this change of ", after.name(), " retention would delete ", plan.delete_count(),
                                " backups (", backup::FormatSize(plan.delete_bytes()), ") that stay now"),
                   "see what goes with backupctl diff; confirm the change to make it",
                   {{"policy", after.name()}, {"count", absl::StrCat(plan.delete_count())}});
}

absl::StatusOr<int64_t> CountCovered(Store& store, const v1::PolicySpec& spec) {
  int64_t count = 0;
  PageRequest page;
  page.size = kDatabasePage;
  do {
    ASSIGN_OR_RETURN(const Page<v1::Database> databases, store.ListDatabases("", page));
    count += std::count_if(databases.items.begin(), databases.items.end(),
                           [&](const v1::Database& database) { return Covers(spec, database); });
    page.token = databases.next_token;
  } while (!page.token.empty());
  return count;
}

}  // namespace backup::server
