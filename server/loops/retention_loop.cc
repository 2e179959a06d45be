// SPDX-License-Identifier: Apache-2.0
#include "server/loops/retention_loop.h"

#include <algorithm>
#include <utility>

#include "base/status_macros.h"
#include "server/domain/run_state.h"

namespace backup::server {
namespace {

constexpr int kDatabasePage = 1000;

}  // namespace

RetentionLoop::RetentionLoop(Store& store, Clock& clock, Random& random, ChangeFeed& feed,
                             const ClockWatch& clock_watch, RetentionLoopOptions options)
    : store_(store),
      clock_(clock),
      random_(random),
      feed_(feed),
      clock_watch_(clock_watch),
      options_(options),
      next_pass_(clock.Monotonic()),
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
  if (now >= next_pass_) {
    const bool repeat_failed = now >= next_repeat_;
    status = ApplyToAll(repeat_failed);
    if (status.ok()) {
      next_pass_ = now + options_.interval;
      if (repeat_failed) next_repeat_ = now + options_.repeat_interval;
    }
  } else {
    // What cannot be done now is done by the next pass.
    for (const std::string& database : requested) status.Update(Apply(database, /*repeat_failed=*/false));
  }
  if (absl::IsUnavailable(status)) {
    return options_.backoff;
  }
  return std::max(next_pass_ - clock_.Monotonic(), absl::ZeroDuration());
}

absl::Status RetentionLoop::ApplyToAll(bool repeat_failed) {
  PageRequest page;
  page.size = kDatabasePage;
  do {
    ASSIGN_OR_RETURN(const Page<v1::Database> databases, store_.ListDatabases("", page));
    for (const v1::Database& database : databases.items) {
      if (const absl::Status status = Apply(database.name(), repeat_failed); absl::IsUnavailable(status)) {
        return status;
      }
    }
    page.token = databases.next_token;
  } while (!page.token.empty());
  return absl::OkStatus();
}

absl::Status RetentionLoop::Apply(const std::string& database, bool repeat_failed) {
  const absl::Time now = clock_.Now();
  RetentionOrder order;
  order.actor = "controller";
  order.clock_jumped = clock_watch_.jumped();
  order.repeat_failed = repeat_failed;
  const DatabaseBackupsDecision decide = [&](const DatabaseBackupsView& view) -> absl::StatusOr<DatabaseBackupsChange> {
    return ApplyRetention(view, order, now, random_);
  };
  // Mostly nothing goes; then no row is locked.
  absl::StatusOr<DatabaseBackupsView> view = store_.ReadDatabaseBackups(database);
  absl::Status status = view.status();
  if (status.ok() && !ApplyRetention(*view, order, now, random_).backups.empty()) {
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
