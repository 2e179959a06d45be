// SPDX-License-Identifier: Apache-2.0
#include "tests/testing/fake_store.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/proto_json.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "server/store/page_token.h"
#include "server/store/storable.h"
#include "server/store/write_rules.h"

namespace backup::testing {

using server::CheckStorable;
using server::Page;
using server::PageRequest;
using server::PolicyChange;
using server::PolicyView;

namespace {

bool IsEndedWithoutStart(const v1::Run& run) {
  return run.state() == v1::MISSED || run.state() == v1::SKIPPED ||
         (run.state() == v1::LOST && run.attempt_id().empty());
}

}  // namespace

void FakeStore::FailNext(absl::Status status, int count) {
  MutexLock lock(mu_);
  next_failure_ = std::move(status);
  next_failure_count_ = count;
}

void FakeStore::SetUnavailable(bool unavailable) {
  MutexLock lock(mu_);
  unavailable_ = unavailable;
}

void FakeStore::LoseNextAnswer() {
  MutexLock lock(mu_);
  lose_next_answer_ = true;
}

void FakeStore::SetRepeatDecisions(bool repeat) {
  MutexLock lock(mu_);
  repeat_decisions_ = repeat;
}

void FakeStore::PutPolicy(const v1::Policy& policy, absl::Time now) {
  MutexLock lock(mu_);
  StorePolicy(policy, now);
}

std::vector<v1::Event> FakeStore::events() const {
  MutexLock lock(mu_);
  std::vector<v1::Event> result;
  for (const auto& [sequence, event] : events_) result.push_back(event);
  return result;
}

absl::Status FakeStore::Enter() {
  if (unavailable_) return CatalogUnavailable("the test made it so");
  if (next_failure_count_ == 0) return absl::OkStatus();
  --next_failure_count_;
  return next_failure_;
}

absl::Status FakeStore::Leave() {
  if (!lose_next_answer_) return absl::OkStatus();
  lose_next_answer_ = false;
  return CatalogUnavailable("the answer was lost");
}

absl::StatusOr<v1::Policy> FakeStore::GetPolicy(absl::string_view name) {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(Enter());
  const auto it = policies_.find(std::string(name));
  if (it == policies_.end()) return PolicyNotFound(name);
  return FilledPolicy(it->second);
}

absl::StatusOr<Page<v1::Policy>> FakeStore::ListPolicies(const PageRequest& page) {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(Enter());
  RETURN_IF_ERROR(server::CheckPageSize(page));
  ASSIGN_OR_RETURN(const std::string after, server::ParsePageToken("policies", page.token));
  Page<v1::Policy> result;
  for (auto it = policies_.upper_bound(after); it != policies_.end(); ++it) {
    if (static_cast<int>(result.items.size()) == page.size) {
      result.next_token = server::MakePageToken("policies", result.items.back().name());
      break;
    }
    result.items.push_back(FilledPolicy(it->second));
  }
  return result;
}

absl::StatusOr<v1::Policy> FakeStore::ChangePolicy(absl::string_view name, absl::Time now,
                                                   const server::PolicyDecision& decide) {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(Enter());
  const std::string key(name);
  const PolicyView view = ViewPolicy(key, now);
  if (repeat_decisions_) decide(view).status().IgnoreError();
  ASSIGN_OR_RETURN(const PolicyChange change, decide(view));
  RETURN_IF_ERROR(server::CheckPolicyChange(name, change));
  ApplyPolicyChange(key, now, change);
  RETURN_IF_ERROR(Leave());
  const auto it = policies_.find(key);
  return it == policies_.end() ? v1::Policy() : FilledPolicy(it->second);
}

absl::StatusOr<std::vector<v1::Policy>> FakeStore::ReadPolicies() {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(Enter());
  std::vector<v1::Policy> all;
  for (const auto& [name, policy] : policies_) all.push_back(policy);
  return all;
}

absl::StatusOr<std::string> FakeStore::ChangePolicyPart(absl::string_view name, absl::Time now, absl::string_view after,
                                                        int limit, const server::PolicyDecision& decide) {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(Enter());
  const std::string key(name);
  PolicyView view = ViewPolicy(key, now);
  if (const auto it = policies_.find(key); it != policies_.end()) view.policy = it->second;
  const std::string next = CutToPart(std::string(after), limit, &view);
  if (repeat_decisions_) decide(view).status().IgnoreError();
  ASSIGN_OR_RETURN(PolicyChange change, decide(view));
  RETURN_IF_ERROR(server::CheckPolicyChange(name, change));
  change.planned = false;  // A part is not the whole.
  ApplyPolicyChange(key, now, change);
  RETURN_IF_ERROR(Leave());
  return next;
}

std::string FakeStore::CutToPart(const std::string& after, int limit, PolicyView* view) const {
  std::erase_if(view->databases, [&](const v1::Database& database) { return database.name() <= after; });
  std::string last;
  if (static_cast<int>(view->databases.size()) > limit) {
    view->databases.resize(limit);
    last = view->databases.back().name();
  }
  const auto elsewhere = [&](const std::string& database) {
    return database <= after || (!last.empty() && database > last);
  };
  std::erase_if(view->scheduled_runs, [&](const v1::Run& run) { return elsewhere(run.database()); });
  std::erase_if(view->ended_ahead, [&](const v1::Run& run) { return elsewhere(run.database()); });
  std::erase_if(view->known_slots, [&](const auto& entry) { return elsewhere(entry.first.second); });
  view->last_part = last.empty();
  return last;
}

PolicyView FakeStore::ViewPolicy(const std::string& name, absl::Time now) const {
  PolicyView view;
  if (const auto it = policies_.find(name); it != policies_.end()) view.policy = FilledPolicy(it->second);
  for (const auto& [database_name, row] : databases_) {
    if (!row.gone) view.databases.push_back(row.database);
  }
  for (const auto& [sequence, run] : runs_) {
    if (run.policy() != name) continue;
    if (run.state() == v1::SCHEDULED) view.scheduled_runs.push_back(run);
    const absl::Time slot = ToAbsl(run.slot_time());
    if (!run.manual() && IsEndedWithoutStart(run) && slot > now && slot <= now + server::kPlanningHorizon) {
      view.ended_ahead.push_back(run);
    }
  }
  std::stable_sort(view.ended_ahead.begin(), view.ended_ahead.end(),
                   [](const v1::Run& a, const v1::Run& b) { return ToAbsl(a.slot_time()) < ToAbsl(b.slot_time()); });
  if (view.ended_ahead.size() > server::kMaxEndedAhead) view.ended_ahead.resize(server::kMaxEndedAhead);
  if (const auto it = planned_times_.find(name); it != planned_times_.end()) view.planned_time = it->second;
  if (!server::PlanMayHaveEnded(view.planned_time, now)) return view;
  for (const auto& [sequence, run] : runs_) {
    if (run.policy() != name || run.manual()) continue;
    const absl::Time slot = ToAbsl(run.slot_time());
    server::KnownSlots& slots = view.known_slots[{run.kind(), run.database()}];
    slots.last = std::max(slots.last, slot);
    if (slot <= now) slots.last_due = std::max(slots.last_due, slot);
  }
  return view;
}

void FakeStore::ApplyPolicyChange(const std::string& name, absl::Time now, const PolicyChange& change) {
  if (change.delete_policy) {
    policies_.erase(name);
    planned_times_.erase(name);
    std::vector<std::string> scheduled;
    for (const auto& [sequence, run] : runs_) {
      if (run.policy() == name && run.state() == v1::SCHEDULED) scheduled.push_back(run.name());
    }
    for (const std::string& run : scheduled) EraseRun(run);
  }
  if (change.put_policy.has_value()) StorePolicy(*change.put_policy, now);
  for (const std::string& run_name : change.withdraw_runs) {
    const v1::Run* run = FindRun(run_name);
    if (run != nullptr && run->state() == v1::SCHEDULED && run->policy() == name) EraseRun(run_name);
  }
  for (const v1::Run& update : change.update_runs) {
    v1::Run* run = FindRun(update.name());
    if (run == nullptr || run->state() != v1::SCHEDULED || run->policy() != name) continue;
    server::ReplanRun(update, run);
  }
  for (const v1::Run& reopened : change.reopen_runs) {
    v1::Run* run = FindRun(reopened.name());
    if (run == nullptr || !IsEndedWithoutStart(*run) || run->policy() != name) continue;
    v1::Run changed = reopened;
    server::KeepIdentity(*run, &changed);
    *run = changed;
  }
  if (change.planned && policies_.contains(name)) planned_times_[name] = now;
  if (change.planned_time.has_value() && policies_.contains(name)) planned_times_[name] = *change.planned_time;
  for (v1::Run run : change.create_runs) {
    server::CompleteNewRun(now, &run);
    InsertRun(run);
  }
  StoreEvents(change.events);
}

void FakeStore::StorePolicy(v1::Policy policy, absl::Time now) {
  policy.clear_next_slot_time();
  policy.clear_database_count();
  const auto it = policies_.find(policy.name());
  *policy.mutable_update_time() = server::RoundedTime(ToProto(now));
  *policy.mutable_create_time() = it == policies_.end() ? policy.update_time() : it->second.create_time();
  policy.set_etag(absl::StrCat(++last_sequence_));
  policies_[policy.name()] = std::move(policy);
}

v1::Policy FakeStore::FilledPolicy(const v1::Policy& policy) const {
  v1::Policy filled = policy;
  std::set<std::string> databases;
  absl::Time next = absl::InfiniteFuture();
  for (const auto& [sequence, run] : runs_) {
    if (run.policy() != policy.name() || run.kind() != v1::BACKUP || run.state() != v1::SCHEDULED || run.manual()) {
      continue;
    }
    databases.insert(run.database());
    next = std::min(next, ToAbsl(run.slot_time()));
  }
  filled.set_database_count(static_cast<int32_t>(databases.size()));
  if (next != absl::InfiniteFuture() && !policy.spec().schedule().paused()) {
    *filled.mutable_next_slot_time() = ToProto(next);
  }
  return filled;
}

bool FakeStore::IsPaused(const std::string& policy) const {
  const auto it = policies_.find(policy);
  return it != policies_.end() && it->second.spec().schedule().paused();
}

void FakeStore::StoreEvents(absl::Span<const v1::Event> events) {
  for (v1::Event event : events) {
    const int64_t sequence = ++last_sequence_;
    event.set_name(absl::StrCat("events/", sequence));
    if (event.has_time()) *event.mutable_time() = server::RoundedTime(event.time());
    events_[sequence] = std::move(event);
  }
}

absl::StatusOr<Page<v1::Event>> FakeStore::ListEvents(absl::string_view subject, const PageRequest& page) {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(Enter());
  RETURN_IF_ERROR(server::CheckPageSize(page));
  const std::string scope = absl::StrCat("events:", subject);
  ASSIGN_OR_RETURN(const int64_t before, server::ParseSequencePageToken(scope, page.token));
  Page<v1::Event> result;
  int64_t last = 0;
  for (auto it = std::make_reverse_iterator(events_.lower_bound(before)); it != events_.rend(); ++it) {
    if (!subject.empty() && it->second.subject() != std::string(subject)) continue;
    if (static_cast<int>(result.items.size()) == page.size) {
      result.next_token = server::MakeSequencePageToken(scope, last);
      break;
    }
    last = it->first;
    result.items.push_back(it->second);
  }
  return result;
}

absl::Status FakeStore::AppendEvents(absl::Span<const v1::Event> events) {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(Enter());
  RETURN_IF_ERROR(CheckStorable(events));
  StoreEvents(events);
  return Leave();
}

absl::Status FakeStore::Ping() {
  MutexLock lock(mu_);
  return Enter();
}

}  // namespace backup::testing
