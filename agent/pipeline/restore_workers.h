// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "agent/pipeline/conninfo.h"
#include "agent/pipeline/pg_session.h"
#include "agent/pipeline/restore_order.h"
#include "base/cancellation.h"
#include "base/mutex.h"

namespace backup::agent {

// Sessions that do tasks side by side. One thread hands tasks in.
class RestoreWorkers {
 public:
  // Loads the rows of table number `table` with `copy`, a COPY statement.
  using LoadRows = std::function<absl::Status(PgSession& session, const std::string& copy, size_t table)>;
  // Logs in for one worker, and sets the session up.
  using Connect = std::function<absl::StatusOr<std::unique_ptr<PgSession>>(Cancellation& stop)>;

  // Sessions stop with `job`, and with the first task that fails.
  RestoreWorkers(int count, Cancellation& job, Connect connect, LoadRows load_rows);
  ~RestoreWorkers();
  RestoreWorkers(const RestoreWorkers&) = delete;
  RestoreWorkers& operator=(const RestoreWorkers&) = delete;

  // A statement that every session runs before the tasks that are added from now on.
  void AddSetting(const std::string& statement);
  // Waits while many are not begun. The first error of any task.
  absl::Status Add(RestoreTask task);
  // Returns when all tasks are done, or after the first error.
  absl::Status Finish();

 private:
  void Run();
  // Runs the settings that this session has not run yet, then the task.
  absl::Status Do(PgSession& session, const RestoreTask& task, size_t* settings_done);

  const Connect connect_;
  const LoadRows load_rows_;
  Mutex mu_;
  CondVar changed_;
  std::vector<std::string> settings_ ABSL_GUARDED_BY(mu_);
  RestoreOrder order_ ABSL_GUARDED_BY(mu_);
  absl::Status failed_ ABSL_GUARDED_BY(mu_);
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  Cancellation stop_;
  const Cancellation::Registration stop_with_job_;
  std::vector<std::thread> threads_;
};

}  // namespace backup::agent
