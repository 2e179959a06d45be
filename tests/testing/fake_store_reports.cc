// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <tuple>

#include "base/proto_json.h"
#include "base/status_macros.h"
#include "server/store/page_token.h"
#include "server/store/past_backup_key.h"
#include "tests/testing/fake_store.h"

namespace backup::testing {

using server::BackupWorth;
using server::Page;
using server::PageRequest;
using server::PastBackup;
using server::SlotCount;

namespace {

bool IsWithin(const google::protobuf::Timestamp& time, absl::Time since, absl::Time until) {
  return ToAbsl(time) >= since && ToAbsl(time) < until;
}

BackupWorth WorthOf(const v1::Backup& backup) { return {backup.state(), !backup.state_reason().empty()}; }

bool IsSlotOf(const v1::Run& run, absl::string_view database) {
  return run.database() == database && run.kind() == v1::BACKUP && !run.manual();
}

}  // namespace

absl::StatusOr<std::vector<SlotCount>> FakeStore::CountSlots(absl::string_view database, absl::Time since,
                                                             absl::Time until) {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(Enter());
  std::map<std::string, absl::Time> first_slots;
  std::map<std::tuple<std::string, std::string, std::string, bool>, SlotCount> counts;  // As the catalog sorts.
  for (const auto& [sequence, run] : runs_) {
    if (!IsSlotOf(run, database)) continue;
    absl::Time& first = first_slots.try_emplace(run.policy(), absl::InfiniteFuture()).first->second;
    first = std::min(first, ToAbsl(run.slot_time()));
    if (!IsWithin(run.slot_time(), since, until)) continue;
    const v1::Backup* backup = run.backup().empty() ? nullptr : FindBackup(run.backup());
    const BackupWorth worth = backup == nullptr ? BackupWorth() : WorthOf(*backup);
    const std::string worth_name = backup == nullptr ? "" : v1::BackupState_Name(worth.state);
    SlotCount& count = counts[{run.policy(), v1::RunState_Name(run.state()), worth_name, worth.has_reason}];
    count.policy = run.policy();
    count.state = run.state();
    count.backup = worth;
    ++count.count;
  }
  std::vector<SlotCount> result;
  for (auto& [key, count] : counts) {
    count.policy_first_slot = first_slots[count.policy];
    result.push_back(std::move(count));
  }
  return result;
}

absl::StatusOr<Page<PastBackup>> FakeStore::ListPastBackups(absl::string_view database, absl::Time since,
                                                            absl::Time until, const PageRequest& page) {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(Enter());
  RETURN_IF_ERROR(server::CheckPageSize(page));
  const server::PastBackupPages pages(database, since, until);
  ASSIGN_OR_RETURN(const server::PastBackupKey after, pages.Parse(page.token));
  std::map<std::pair<absl::Time, int64_t>, const v1::Backup*> backups;
  for (const auto& [sequence, backup] : backups_) {
    if (backup.database() != database || !backup.has_snapshot_time()) continue;
    if (!IsWithin(backup.snapshot_time(), since, until)) continue;
    backups[{ToAbsl(backup.snapshot_time()), sequence}] = &backup;
  }
  Page<PastBackup> result;
  for (auto it = backups.upper_bound({after.snapshot_time, after.sequence}); it != backups.end(); ++it) {
    if (static_cast<int>(result.items.size()) == page.size) {
      const auto& last = std::prev(it)->first;
      result.next_token = pages.Make({last.first, last.second});
      break;
    }
    const v1::Backup& backup = *it->second;
    result.items.push_back(
        {it->first.first, WorthOf(backup), backup.plain_bytes(), backup.size_bytes(), backup.row_count()});
  }
  return result;
}

absl::StatusOr<absl::Time> FakeStore::LastGoodBefore(absl::string_view database, absl::Time before) {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(Enter());
  absl::Time last = absl::InfinitePast();
  for (const auto& [sequence, backup] : backups_) {
    if (backup.database() != database || !backup.has_snapshot_time() || !IsOrWasGood(WorthOf(backup))) continue;
    const absl::Time time = ToAbsl(backup.snapshot_time());
    if (time < before) last = std::max(last, time);
  }
  return last;
}

absl::StatusOr<std::vector<v1::Run>> FakeStore::ListPastDrills(absl::string_view database, absl::Time since,
                                                               absl::Time until, int limit) {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(Enter());
  std::map<std::pair<absl::Time, int64_t>, const v1::Run*> drills;
  for (const auto& [sequence, run] : runs_) {
    if (run.database() != database || run.kind() != v1::DRILL || run.state() == v1::SCHEDULED) continue;
    if (IsWithin(run.slot_time(), since, until)) drills[{ToAbsl(run.slot_time()), sequence}] = &run;
  }
  std::vector<v1::Run> result;
  for (auto it = drills.rbegin(); it != drills.rend() && static_cast<int>(result.size()) < limit; ++it) {
    result.push_back(*it->second);
  }
  return result;
}

}  // namespace backup::testing
