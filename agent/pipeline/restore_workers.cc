// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/restore_workers.h"

#include <utility>

#include "base/status_macros.h"

namespace backup::agent {
namespace {

// A table of ten thousand indexes is not held in memory whole.
constexpr size_t kMaxWaiting = 1000;

}  // namespace

RestoreWorkers::RestoreWorkers(int count, Cancellation& job, Connect connect, LoadRows load_rows)
    : connect_(std::move(connect)),
      load_rows_(std::move(load_rows)),
      stop_with_job_(job, [this, &job] { stop_.Cancel(job.reason()); }) {
  for (int i = 0; i < count; ++i) {
    threads_.emplace_back([this] { Run(); });
  }
}

RestoreWorkers::~RestoreWorkers() {
  {
    MutexLock lock(mu_);
    stopped_ = true;
    changed_.NotifyAll();
  }
  stop_.Cancel("the restore has ended");  // Nobody waits for what still runs.
  for (std::thread& thread : threads_) {
    thread.join();
  }
}

void RestoreWorkers::AddSetting(const std::string& statement) {
  MutexLock lock(mu_);
  settings_.push_back(statement);
}

absl::Status RestoreWorkers::Add(RestoreTask task) {
  MutexLock lock(mu_);
  while (failed_.ok() && order_.waiting_count() >= kMaxWaiting) {
    changed_.Wait(mu_);
  }
  order_.Add(std::make_unique<RestoreTask>(std::move(task)));
  changed_.NotifyAll();
  return failed_;
}

absl::Status RestoreWorkers::Finish() {
  MutexLock lock(mu_);
  while (failed_.ok() && !order_.empty()) {
    changed_.Wait(mu_);
  }
  return failed_;
}

void RestoreWorkers::Run() {
  std::unique_ptr<PgSession> session;
  size_t settings_done = 0;
  mu_.Lock();
  while (true) {
    const RestoreTask* task = nullptr;
    while (!stopped_ && (!failed_.ok() || (task = order_.Next()) == nullptr)) {
      changed_.Wait(mu_);
    }
    if (stopped_) {
      break;
    }
    mu_.Unlock();
    absl::Status status;
    if (session == nullptr) {
      absl::StatusOr<std::unique_ptr<PgSession>> connected = connect_(stop_);
      status = connected.status();
      session = connected.ok() ? *std::move(connected) : nullptr;
    }
    if (status.ok()) {
      status = Do(*session, *task, &settings_done);
    }
    mu_.Lock();
    failed_.Update(status);
    if (!status.ok()) {
      // What the others then say of their end comes later, so the first error stays.
      mu_.Unlock();
      stop_.Cancel("another part of the restore failed");
      mu_.Lock();
    }
    order_.Done(task);
    changed_.NotifyAll();
  }
  mu_.Unlock();
}

absl::Status RestoreWorkers::Do(PgSession& session, const RestoreTask& task, size_t* settings_done) {
  std::vector<std::string> settings;
  {
    MutexLock lock(mu_);
    settings.assign(settings_.begin() + static_cast<std::ptrdiff_t>(*settings_done), settings_.end());
  }
  for (const std::string& setting : settings) {
    RETURN_IF_ERROR(session.Query(setting, absl::InfiniteDuration()).status());
    ++*settings_done;
  }
  if (task.rows_of.has_value()) {
    return load_rows_(session, task.statements.front(), *task.rows_of);
  }
  for (const std::string& statement : task.statements) {
    RETURN_IF_ERROR(session.Query(statement, absl::InfiniteDuration()).status());
  }
  return absl::OkStatus();
}

}  // namespace backup::agent
