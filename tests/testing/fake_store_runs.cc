// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/proto_json.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "server/domain/deletion.h"
#include "server/store/page_token.h"
#include "server/store/sql_params.h"
#include "server/store/storable.h"
#include "server/store/write_rules.h"
#include "tests/testing/fake_store.h"

namespace backup::testing {

using server::CheckStorable;
using server::Page;
using server::PageRequest;

namespace {

constexpr size_t kMaxOpenRuns = 1000;
constexpr absl::Duration kRequestIdLife = absl::Hours(24);

template <typename Repeated, typename Value>
bool Contains(const Repeated& values, Value value) {
  return values.empty() || std::find(values.begin(), values.end(), value) != values.end();
}

bool Matches(const v1::RunFilter& filter, const v1::Run& run) {
  return (filter.policy().empty() || filter.policy() == run.policy()) &&
         (filter.agent().empty() || filter.agent() == server::AgentOfDatabase(run.database())) &&
         (filter.database().empty() || filter.database() == run.database()) && Contains(filter.states(), run.state()) &&
         Contains(filter.kinds(), run.kind());
}

std::string SlotKey(const v1::Run& run) {
  return absl::StrCat(run.policy(), "|", run.database(), "|", run.kind(), "|",
                      absl::ToUnixMicros(ToAbsl(run.slot_time())));
}

// Where a run stands in a list.
using RunPlace = std::pair<absl::Time, int64_t>;

RunPlace PlaceOf(const v1::Run& run) { return {ToAbsl(run.slot_time()), run.sequence()}; }

absl::Time TimeOf(const server::TimePlace& place) {
  absl::Time time = place.time[0] == '-' ? absl::InfinitePast() : absl::InfiniteFuture();
  absl::ParseTime("%Y-%m-%d %H:%M:%E*S%Ez", place.time, &time, nullptr);
  return time;
}

// Whether `other` is a later slot of the same policy, database and kind.
bool IsLaterSlot(const v1::Run& run, const v1::Run& other) {
  return other.kind() == run.kind() && other.policy() == run.policy() && other.database() == run.database() &&
         ToAbsl(other.slot_time()) > ToAbsl(run.slot_time());
}

// When time alone may change the run; InfiniteFuture when never.
absl::Time AdvanceTime(const v1::Run& run) {
  switch (run.state()) {
    case v1::SCHEDULED:
      return ToAbsl(run.not_before_time());
    case v1::PENDING:
      return run.has_start_deadline_time() ? ToAbsl(run.start_deadline_time()) : absl::InfiniteFuture();
    case v1::RUNNING:
      return run.has_lease_end_time() ? ToAbsl(run.lease_end_time()) : absl::InfinitePast();
    default:
      return absl::InfiniteFuture();
  }
}

}  // namespace

void FakeStore::PutRun(const v1::Run& run) {
  MutexLock lock(mu_);
  std::vector<v1::RunLogLine> log = std::move(run_logs_[run.name()]);
  EraseRun(run.name());
  InsertRun(run);
  run_logs_[run.name()] = std::move(log);
}

v1::Run* FakeStore::FindRun(absl::string_view name) {
  const auto it = run_sequences_.find(std::string(name));
  return it == run_sequences_.end() ? nullptr : &runs_[it->second];
}

void FakeStore::InsertRun(v1::Run run) {
  if (run_sequences_.contains(run.name())) return;
  if (!run.manual() && !slots_.insert(SlotKey(run)).second) return;
  if (run.sequence() == 0 || runs_.contains(run.sequence())) run.set_sequence(last_sequence_ + 1);
  last_sequence_ = std::max(last_sequence_, run.sequence());
  run_sequences_[run.name()] = run.sequence();
  runs_[run.sequence()] = std::move(run);
}

void FakeStore::EraseRun(absl::string_view name) {
  const v1::Run* run = FindRun(name);
  if (run == nullptr) return;
  if (!run->manual()) slots_.erase(SlotKey(*run));
  run_logs_.erase(run->name());
  const int64_t sequence = run->sequence();
  run_sequences_.erase(std::string(name));
  runs_.erase(sequence);
}

absl::StatusOr<v1::Run> FakeStore::GetRun(absl::string_view name) {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(Enter());
  const v1::Run* run = FindRun(name);
  if (run == nullptr) return RunNotFound(name);
  return *run;
}

absl::StatusOr<Page<v1::Run>> FakeStore::ListRuns(const v1::RunFilter& filter, const PageRequest& page) {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(Enter());
  RETURN_IF_ERROR(server::CheckPageSize(page));
  if (!CheckStorable(filter).ok()) return Page<v1::Run>();
  const std::string scope = server::PageScope(page.oldest_first ? "runs, oldest first" : "runs", filter);
  ASSIGN_OR_RETURN(const server::TimePlace after, server::ParseTimePageToken(scope, page.token, page.oldest_first));
  const auto comes_before = [&page](const RunPlace& a, const RunPlace& b) { return page.oldest_first ? a < b : a > b; };
  std::map<RunPlace, const v1::Run*, decltype(comes_before)> matching(comes_before);
  for (const auto& [sequence, run] : runs_) {
    if (Matches(filter, run)) matching[PlaceOf(run)] = &run;
  }
  Page<v1::Run> result;
  for (auto it = matching.upper_bound({TimeOf(after), after.sequence}); it != matching.end(); ++it) {
    if (static_cast<int>(result.items.size()) == page.size) {
      const v1::Run& last = result.items.back();
      result.next_token =
          server::MakeTimePageToken(scope, {server::SqlParams::TimeText(ToAbsl(last.slot_time())), last.sequence()});
      break;
    }
    result.items.push_back(*it->second);
  }
  return result;
}

absl::StatusOr<v1::Run> FakeStore::CreateRun(const v1::Run& run, absl::string_view request_id, absl::Time now,
                                             absl::Span<const v1::Event> events) {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(Enter());
  RETURN_IF_ERROR(server::CheckNewRun(run, request_id, events));
  const auto request = requests_.find(std::string(request_id));
  if (!request_id.empty() && request != requests_.end() && request->second.time > now - kRequestIdLife) {
    return *FindRun(request->second.run);
  }
  if (const v1::Run* same = FindRun(run.name())) return server::CheckSameRun(run, *same);
  const DatabaseRow* database = FindDatabase(run.database());
  if (database == nullptr || (database->gone && run.kind() == v1::BACKUP)) return DatabaseNotFound(run.database());
  if (const std::string name = server::BackupOfRun(run); !name.empty()) {
    const v1::Backup* backup = FindBackup(name);
    if (backup == nullptr) return BackupNotFound(name);
    RETURN_IF_ERROR(server::CheckNotDeleted(*backup));
  }
  v1::Run inserted = run;
  inserted.set_manual(true);
  inserted.clear_sequence();
  server::CompleteNewRun(now, &inserted);
  InsertRun(inserted);
  if (!request_id.empty()) requests_[std::string(request_id)] = {run.name(), now};
  StoreEvents(events);
  RETURN_IF_ERROR(Leave());
  return *FindRun(run.name());
}

server::RunView FakeStore::ViewRun(const v1::Run& run) const {
  server::RunView view;
  view.run = run;
  if (const auto it = policies_.find(run.policy()); it != policies_.end()) view.policy = it->second;
  for (const auto& [sequence, other] : runs_) {
    if (other.kind() == v1::BACKUP && other.state() == v1::RUNNING && other.policy() == run.policy() &&
        other.database() == run.database() && other.name() != run.name()) {
      view.overlapping = other;
      break;
    }
  }
  const bool waits = run.state() == v1::SCHEDULED || run.state() == v1::PENDING;
  for (const auto& [sequence, other] : runs_) {
    if (!waits || run.manual() || run.policy().empty() || other.manual() || !IsLaterSlot(run, other)) continue;
    if (other.state() == v1::MISSED || other.state() == v1::SKIPPED || other.state() == v1::CANCELLED) continue;
    if (!view.later.has_value() || ToAbsl(other.slot_time()) < ToAbsl(view.later->slot_time())) view.later = other;
  }
  if (const v1::Backup* good = LastGood(run.database())) view.last_good = *good;
  if (const v1::Backup* backup = FindBackup(server::BackupOfRun(run))) view.backup = *backup;
  return view;
}

absl::StatusOr<v1::Run> FakeStore::ChangeRun(absl::string_view name, const server::RunDecision& decide) {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(Enter());
  v1::Run* stored = FindRun(name);
  if (stored == nullptr) return RunNotFound(name);
  const server::RunView view = ViewRun(*stored);
  if (repeat_decisions_) decide(view).status().IgnoreError();
  ASSIGN_OR_RETURN(const server::RunChange change, decide(view));
  RETURN_IF_ERROR(server::CheckRunChange(name, change));
  v1::Run changed = change.run;
  server::KeepIdentity(*stored, &changed);
  *stored = changed;
  for (const v1::Backup& backup : change.backups) StoreBackup(backup);
  StoreEvents(change.events);
  RETURN_IF_ERROR(Leave());
  return changed;
}

bool FakeStore::IsOvertaken(const v1::Run& run) const {
  return run.state() == v1::PENDING && !run.manual() && !run.delivered() &&
         std::any_of(runs_.begin(), runs_.end(), [&run](const auto& entry) {
           const v1::Run& other = entry.second;
           return other.state() == v1::PENDING && !other.manual() && IsLaterSlot(run, other);
         });
}

absl::StatusOr<std::vector<std::string>> FakeStore::ListRunsToAdvance(absl::Time now, int limit) {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(Enter());
  std::vector<const v1::Run*> due;
  for (const auto& [sequence, run] : runs_) {
    const bool paused = run.state() == v1::PENDING && !run.manual() && IsPaused(run.policy());
    if (paused || AdvanceTime(run) <= now || IsOvertaken(run)) due.push_back(&run);
  }
  std::sort(due.begin(), due.end(), [](const v1::Run* a, const v1::Run* b) {
    return std::make_tuple(ToAbsl(a->slot_time()), a->sequence()) <
           std::make_tuple(ToAbsl(b->slot_time()), b->sequence());
  });
  std::vector<std::string> names;
  for (const v1::Run* run : due) {
    if (static_cast<int>(names.size()) >= limit) break;
    names.push_back(run->name());
  }
  return names;
}

absl::StatusOr<absl::Time> FakeStore::NextAdvanceTime(absl::Time now) {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(Enter());
  absl::Time next = absl::InfiniteFuture();
  for (const auto& [sequence, run] : runs_) {
    const absl::Time time = AdvanceTime(run);
    if (time > now) next = std::min(next, time);
  }
  return next;
}

absl::StatusOr<std::vector<v1::Run>> FakeStore::ListOpenRuns(absl::string_view agent, absl::Time horizon) {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(Enter());
  std::vector<v1::Run> open;
  for (const auto& [sequence, run] : runs_) {
    const bool is_open = run.state() == v1::SCHEDULED || run.state() == v1::PENDING || run.state() == v1::RUNNING;
    if (is_open && server::AgentOfDatabase(run.database()) == std::string(agent) &&
        ToAbsl(run.not_before_time()) <= horizon) {
      open.push_back(run);
    }
  }
  std::stable_sort(open.begin(), open.end(), [](const v1::Run& a, const v1::Run& b) {
    return ToAbsl(a.not_before_time()) < ToAbsl(b.not_before_time());
  });
  if (open.size() > kMaxOpenRuns) open.resize(kMaxOpenRuns);
  return open;
}

absl::StatusOr<std::vector<std::string>> FakeStore::ListUnstartedRuns(absl::string_view agent, absl::Time now) {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(Enter());
  std::vector<std::pair<absl::Time, std::string>> found;
  for (const auto& [sequence, run] : runs_) {
    if ((run.state() != v1::LOST && run.state() != v1::PENDING) || !run.delivered() || !run.attempt_id().empty())
      continue;
    if (server::AgentOfDatabase(run.database()) != std::string(agent)) continue;
    if (!run.has_start_deadline_time() || ToAbsl(run.start_deadline_time()) > now) continue;
    found.emplace_back(ToAbsl(run.slot_time()), run.name());
  }
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> names;
  for (const auto& [slot, name] : found) {
    if (names.size() < 100) names.push_back(name);
  }
  return names;
}

absl::StatusOr<server::Places> FakeStore::ReadPlaces(absl::Time seen_since, int limit) {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(Enter());
  server::Places places;
  for (const auto& [sequence, run] : runs_) {
    if (run.state() == v1::PENDING && run.held_back()) {
      const auto agent = agents_.find(server::AgentOfDatabase(run.database()));
      const bool is_there = agent != agents_.end() && agent->second.agent.has_last_seen_time() &&
                            ToAbsl(agent->second.agent.last_seen_time()) >= seen_since;
      if (is_there) places.waiting.push_back(run);
    } else if (run.kind() != v1::DELETE && (run.state() == v1::PENDING || run.state() == v1::RUNNING)) {
      ++places.taken;
      ++places.by_policy[run.policy()];
    }
  }
  if (places.waiting.empty()) return server::Places();
  std::stable_sort(places.waiting.begin(), places.waiting.end(),
                   [](const v1::Run& a, const v1::Run& b) { return ToAbsl(a.slot_time()) < ToAbsl(b.slot_time()); });
  std::map<std::string, int> of_policy;
  std::erase_if(places.waiting, [&](const v1::Run& run) { return ++of_policy[run.policy()] > limit; });
  return places;
}

absl::Status FakeStore::MarkDelivered(absl::Span<const v1::Run> runs) {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(Enter());
  for (const v1::Run& run : runs) {
    v1::Run* stored = FindRun(run.name());
    if (stored == nullptr || stored->epoch() != run.epoch()) continue;
    if (stored->state() == v1::SCHEDULED || stored->state() == v1::PENDING) stored->set_delivered(true);
  }
  return Leave();
}

absl::StatusOr<int64_t> FakeStore::AppendRunLog(absl::string_view run, absl::Span<const v1::RunLogLine> lines) {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(Enter());
  for (const v1::RunLogLine& line : lines) RETURN_IF_ERROR(CheckStorable(line));
  if (FindRun(run) == nullptr) return RunNotFound(run);
  std::vector<v1::RunLogLine>& log = run_logs_[std::string(run)];
  int64_t next = log.empty() ? 0 : log.back().offset() + 1;
  for (v1::RunLogLine line : lines) {
    if (line.offset() < next) continue;
    next = line.offset() + 1;
    if (line.has_time()) *line.mutable_time() = server::RoundedTime(line.time());
    log.push_back(std::move(line));
  }
  RETURN_IF_ERROR(Leave());
  return next;
}

absl::StatusOr<std::vector<v1::RunLogLine>> FakeStore::ListRunLog(absl::string_view run, int64_t offset, int limit) {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(Enter());
  if (FindRun(run) == nullptr) return RunNotFound(run);
  std::vector<v1::RunLogLine> lines;
  for (const v1::RunLogLine& line : run_logs_[std::string(run)]) {
    if (line.offset() >= offset && static_cast<int>(lines.size()) < limit) lines.push_back(line);
  }
  return lines;
}

}  // namespace backup::testing
