// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/proto_json.h"
#include "base/status_macros.h"
#include "server/domain/backup_hold.h"
#include "server/store/compaction_place.h"
#include "server/store/page_token.h"
#include "tests/testing/fake_store.h"

namespace backup::testing {

using server::Compaction;
using server::RetentionView;
using server::RunCount;

namespace {

absl::Time MonthOf(absl::Time time) {
  return absl::FromCivil(absl::ToCivilMonth(time, absl::UTCTimeZone()), absl::UTCTimeZone());
}

}  // namespace

bool FakeStore::Tells(const v1::Run& run) {
  return std::find(server::kStatesThatTell.begin(), server::kStatesThatTell.end(), run.state()) !=
         server::kStatesThatTell.end();
}

bool FakeStore::IsLater(const v1::Run& a, const v1::Run& b) {
  return std::make_pair(ToAbsl(a.slot_time()), a.sequence()) > std::make_pair(ToAbsl(b.slot_time()), b.sequence());
}

// Takes all at once: where it stands between two steps is its own affair.
absl::StatusOr<Compaction> FakeStore::CompactRuns(absl::Time before, const std::string& from, int limit) {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(Enter());
  RETURN_IF_ERROR(server::ParseRunCompactionPlace(from).status());
  std::vector<std::string> removed;
  for (const auto& [sequence, run] : runs_) {
    const bool ended = run.state() >= v1::SUCCEEDED;
    if (!ended || ToAbsl(run.slot_time()) >= before) continue;
    const v1::Backup* backup = FindBackup(run.backup());
    if (backup != nullptr && backup->state() != v1::DELETED) continue;
    const bool last_that_tells = std::none_of(runs_.begin(), runs_.end(), [&run = run](const auto& entry) {
      const v1::Run& other = entry.second;
      return Tells(other) && other.database() == run.database() && other.policy() == run.policy() &&
             other.kind() == run.kind() && IsLater(other, run);
    });
    if (Tells(run) && last_that_tells) continue;
    removed.push_back(run.name());
  }
  if (static_cast<int>(removed.size()) > limit) removed.resize(limit);
  for (const std::string& name : removed) {
    const v1::Run& run = *FindRun(name);
    ++run_counts_[{run.database(), MonthOf(ToAbsl(run.slot_time())), run.policy(), run.kind(), run.state(),
                   run.manual()}];
    EraseRun(name);
  }
  RETURN_IF_ERROR(Leave());
  const bool more = static_cast<int>(removed.size()) == limit;
  return Compaction{static_cast<int64_t>(removed.size()),
                    more ? server::FormatRunCompactionPlace(*server::ParseRunCompactionPlace("")) : ""};
}

absl::StatusOr<Compaction> FakeStore::CompactEvents(absl::Time before, const std::string&, int limit) {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(Enter());
  Compaction done;
  for (auto it = events_.begin(); it != events_.end() && done.removed_count < limit;) {
    const bool old = it->second.has_time() && ToAbsl(it->second.time()) < before;
    done.removed_count += old ? 1 : 0;
    it = old ? events_.erase(it) : std::next(it);
  }
  if (done.removed_count == limit) done.next = "more";
  RETURN_IF_ERROR(Leave());
  return done;
}

absl::StatusOr<std::vector<RunCount>> FakeStore::ListRunCounts(absl::string_view database, absl::Time since,
                                                               absl::Time until) {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(Enter());
  std::vector<RunCount> counts;
  for (const auto& [key, count] : run_counts_) {
    const auto& [of_database, month, policy, kind, state, manual] = key;
    if (of_database != std::string(database) || month < since || month >= until) continue;
    counts.push_back({month, policy, kind, state, manual, count});
  }
  std::sort(counts.begin(), counts.end(), [](const RunCount& a, const RunCount& b) {
    return std::make_tuple(a.month, a.policy, v1::RunKind_Name(a.kind), v1::RunState_Name(a.state), a.manual) <
           std::make_tuple(b.month, b.policy, v1::RunKind_Name(b.kind), v1::RunState_Name(b.state), b.manual);
  });
  return counts;
}

absl::StatusOr<server::Page<RetentionView>> FakeStore::ListRetentionViews(absl::Time now,
                                                                          const server::PageRequest& page) {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(Enter());
  RETURN_IF_ERROR(server::CheckPageSize(page));
  ASSIGN_OR_RETURN(const std::string after, server::ParsePageToken("retention", page.token));
  server::Page<RetentionView> result;
  int count = 0;
  std::string last;
  for (auto it = databases_.upper_bound(after); it != databases_.end(); ++it) {
    if (it->second.gone) continue;
    if (count++ == page.size) {
      result.next_token = server::MakePageToken("retention", last);
      break;
    }
    last = it->first;
    std::map<std::string, RetentionView> views;
    for (const auto& [sequence, backup] : backups_) {
      if (backup.database() != last || backup.state() == v1::DELETED || backup.state() == v1::DELETING) continue;
      RetentionView& view = views[backup.policy()];
      view.database = last;
      view.policy = backup.policy();
      view.state.backups.push_back(Retained(backup, now));
    }
    for (auto& [policy, view] : views) {
      view.state.last_run_failed = LastRunFailed(last, policy, now);
      result.items.push_back(std::move(view));
    }
  }
  return result;
}

bool FakeStore::LastRunFailed(const std::string& database, const std::string& policy, absl::Time now) const {
  const v1::Run* last = nullptr;
  for (const auto& [sequence, run] : runs_) {
    if (run.database() != database || run.policy() != policy || run.kind() != v1::BACKUP || !Tells(run) ||
        ToAbsl(run.slot_time()) > now) {
      continue;
    }
    if (last == nullptr || IsLater(run, *last)) last = &run;
  }
  return last != nullptr && last->state() != v1::SUCCEEDED;
}

server::RetainedBackup FakeStore::Retained(const v1::Backup& backup, absl::Time now) const {
  server::RetainedBackup retained = server::ToRetained(backup, now);
  retained.in_use = std::any_of(runs_.begin(), runs_.end(), [&backup](const auto& entry) {
    const v1::Run& run = entry.second;
    return (run.kind() == v1::VERIFY || run.kind() == v1::RESTORE || run.kind() == v1::DRILL) &&
           (run.state() == v1::PENDING || run.state() == v1::RUNNING) && run.backup() == backup.name();
  });
  return retained;
}

}  // namespace backup::testing
