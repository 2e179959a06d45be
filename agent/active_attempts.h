// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "agent/attempt_work.h"
#include "agent/held_runs.h"
#include "agent/run_log.h"
#include "backup/v1/agent_control_service.pb.h"
#include "backup/v1/run.pb.h"
#include "base/clock.h"
#include "base/mutex.h"

namespace backup::agent {

// The attempts that are being worked on, each on a thread of its own that lives until the work is over (a child process
// dies with the thread that started it). At most one for each run.
//
// Thread-safe, but Begin, Reap and Stop are for one thread at a time.
class ActiveAttempts {
 public:
  // Called on the attempt's thread when its work is over, while the attempt still counts as active: to make the result
  // durable. No result: the attempt is left as it is.
  using EndCallback = std::function<void(const v1::Run& attempt, const std::optional<v1::RunResult>& result)>;

  // `on_end` as above; `on_gone` is called when the attempt does not count as active any more. The references must
  // outlive it.
  ActiveAttempts(RunLogs& logs, Clock& clock, EndCallback on_end, std::function<void()> on_gone);
  // Stops, however long that takes.
  ~ActiveAttempts();
  ActiveAttempts(const ActiveAttempts&) = delete;
  ActiveAttempts& operator=(const ActiveAttempts&) = delete;

  // Starts the thread. `cancellable` false: Cancel passes it over.
  void Begin(const v1::Run& attempt, bool cancellable, AttemptWork work);
  // Ends the threads of attempts that are over.
  void Reap();

  // Tells the attempt of `run` to stop. False when there is none.
  bool Cancel(absl::string_view run, absl::string_view reason);
  // Tells all to stop, waits at most `grace` of steady time, and ends their threads. False when some still work: then
  // the process must end without destroying this.
  bool Stop(absl::string_view reason, absl::Duration grace);

  std::vector<ActiveAttempt> List() const;
  std::vector<v1::AttemptProgress> Progress() const;

 private:
  struct Worker;
  void Work(Worker& worker);

  // Constant after construction.
  RunLogs& logs_;
  Clock& clock_;
  const EndCallback on_end_;
  const std::function<void()> on_gone_;

  mutable Mutex mu_;
  CondVar gone_;
  std::map<std::string, std::shared_ptr<Worker>> workers_ ABSL_GUARDED_BY(mu_);  // By run; active ones only.
  std::vector<std::shared_ptr<Worker>> over_ ABSL_GUARDED_BY(mu_);               // Whose threads are to be joined.
};

}  // namespace backup::agent
