// SPDX-License-Identifier: Apache-2.0
#include "server/loops/retention_loop.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "server/domain/retention.h"
#include "server/domain/retention_plan.h"
#include "server/domain/run_state.h"
#include "server/domain/time_zone.h"

namespace backup::server {
namespace {

constexpr int kDatabasePage = 1000;

// Whether a full look at the database is worth while. Frozen is left for that: it wants to know more.
bool LetsSomethingGo(const RetentionState& state, const v1::Policy& policy, absl::Time now) {
  const absl::StatusOr<absl::TimeZone> zone = FindTimeZone(policy.spec().schedule().time_zone());
  if (!zone.ok()) return false;
  const RetentionPlan plan = PlanRetention(state, policy.spec().retention(), *zone, now);
  return std::any_of(plan.decisions.begin(), plan.decisions.end(),
                     [](const RetentionDecision& decision) { return decision.keep.empty(); });
}

// One database that fails holds up no other; a catalog that is away does.
absl::Status OnlyOutage(const absl::Status& status) { return absl::IsUnavailable(status) ? status : absl::OkStatus(); }

}  // namespace

RetentionLoop::RetentionLoop(Store& store, Clock& clock, Random& random, ChangeFeed& feed,
                             const ClockWatch& clock_watch, FrozenRetention& frozen_retention,
                             RetentionLoopOptions options)
    : store_(store),
      clock_(clock),
      random_(random),
      feed_(feed),
      clock_watch_(clock_watch),
      frozen_retention_(frozen_retention),
      options_(options),
      next_pass_(clock.Monotonic() + options.first_pass_delay),
      next_repeat_(clock.Monotonic()),
      failure_log_(absl::Minutes(1)) {}

void RetentionLoop::RequestDatabase(const std::string& database) {
  MutexLock lock(mu_);
  requested_.insert(database);
}

absl::Duration RetentionLoop::RunOnce() {
  // Everything would be frozen; what is asked for waits.
  if (clock_watch_.jumped()) {
    return options_.clock_wait;
  }
  std::set<std::string> requested;
  {
    MutexLock lock(mu_);
    requested.swap(requested_);
  }
  const absl::Duration now = clock_.Monotonic();
  absl::Status status;
  if (!noted_ && now < next_pass_) {
    // Whoever asks how the fleet fares need not wait for the first pass.
    status = ApplyToAll(/*repeat_failed=*/false, /*only_note=*/true);
    noted_ = status.ok();
  }
  if (now >= next_pass_) {
    const bool repeat_failed = now >= next_repeat_;
    status = ApplyToAll(repeat_failed);
    if (status.ok()) {
      noted_ = true;
      next_pass_ = now + options_.interval;
      if (repeat_failed) next_repeat_ = now + options_.repeat_interval;
    }
  } else {
    // What cannot be done now is done by the next pass.
    for (const std::string& database : requested) status.Update(Apply(database, /*repeat_failed=*/false));
  }
  if (!status.ok() && !absl::IsNotFound(status)) {
    return options_.backoff;
  }
  return std::max(next_pass_ - clock_.Monotonic(), absl::ZeroDuration());
}

absl::Status RetentionLoop::ApplyToAll(bool repeat_failed, bool only_note) {
  ASSIGN_OR_RETURN(const auto policies, ReadPoliciesByName());
  const int64_t mark = frozen_retention_.mark();
  std::set<std::string> all_going;
  PageRequest page;
  page.size = kDatabasePage;
  do {
    ASSIGN_OR_RETURN(const Page<RetentionView> views, store_.ListRetentionViews(clock_.Now(), page));
    std::set<std::string> databases;
    for (const RetentionView& view : views.items) {
      if (const auto policy = policies.find(view.policy);
          policy != policies.end() && LetsSomethingGo(view.state, policy->second, clock_.Now())) {
        databases.insert(view.database);
      }
    }
    for (const std::string& database : databases) {
      RETURN_IF_ERROR(OnlyOutage(Apply(database, /*repeat_failed=*/false, only_note)));
    }
    all_going.merge(databases);
    page.token = views.next_token;
  } while (!page.token.empty());
  frozen_retention_.KeepOnly(all_going, mark);
  return repeat_failed ? RepeatFailed() : absl::OkStatus();
}

absl::Status RetentionLoop::RepeatFailed() {
  v1::BackupFilter deleting;
  deleting.add_states(v1::DELETING);
  std::set<std::string> databases;
  PageRequest page;
  page.size = kDatabasePage;
  do {
    ASSIGN_OR_RETURN(const Page<v1::Backup> backups, store_.ListBackups(deleting, page));
    for (const v1::Backup& backup : backups.items) databases.insert(backup.database());
    page.token = backups.next_token;
  } while (!page.token.empty());
  for (const std::string& database : databases) {
    RETURN_IF_ERROR(OnlyOutage(Apply(database, /*repeat_failed=*/true)));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::map<std::string, v1::Policy>> RetentionLoop::ReadPoliciesByName() {
  ASSIGN_OR_RETURN(const std::vector<v1::Policy> policies, store_.ReadPolicies());
  std::map<std::string, v1::Policy> by_name;
  for (const v1::Policy& policy : policies) by_name[policy.name()] = policy;
  return by_name;
}

absl::Status RetentionLoop::Apply(const std::string& database, bool repeat_failed, bool only_note) {
  const absl::Time now = clock_.Now();
  RetentionOrder order;
  order.actor = "controller";
  order.clock_jumped = clock_watch_.jumped();
  order.repeat_failed = repeat_failed;
  const DatabaseBackupsDecision decide = [&](const DatabaseBackupsView& view) -> absl::StatusOr<DatabaseBackupsChange> {
    return ApplyRetention(view, order, now, random_);
  };
  // Mostly nothing goes; then no row is locked.
  absl::StatusOr<DatabaseBackupsView> view = store_.ReadDatabaseBackups(database, now);
  absl::Status status = view.status();
  if (status.ok()) frozen_retention_.Note(PlanDatabaseRetention(*view, order.clock_jumped, now));
  if (status.ok() && !only_note && !ApplyRetention(*view, order, now, random_).backups.empty()) {
    const absl::StatusOr<DatabaseBackupsChange> change = store_.ChangeDatabaseBackups(database, now, decide);
    status = change.status();
    if (change.ok()) PublishRuns(*change, feed_);
  }
  int64_t suppressed = 0;
  if (!status.ok() && !absl::IsNotFound(status) && failure_log_.ShouldLog(clock_.Monotonic(), &suppressed)) {
    LogWarning("cannot apply retention", {{"database", database}, {"suppressed", suppressed}, {"error", status}});
  }
  return status;
}

void PublishRuns(const DatabaseBackupsChange& change, ChangeFeed& feed) {
  for (const v1::Run& run : change.create_runs) {
    feed.Publish(run.name());
    feed.Publish(AgentOf(run));
  }
}

}  // namespace backup::server
