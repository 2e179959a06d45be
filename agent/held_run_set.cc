// SPDX-License-Identifier: Apache-2.0
#include "agent/held_run_set.h"

#include <algorithm>
#include <utility>

#include "agent/desired_run_check.h"
#include "agent/message_files.h"
#include "base/file.h"
#include "base/log.h"
#include "base/proto_json.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace backup::agent {
namespace {

// An answer on its way may be a minute old; nobody takes so many runs in that time.
constexpr size_t kMaxTaken = 10'000;
constexpr absl::Duration kDefaultProgressInterval = absl::Seconds(3);

}  // namespace

HeldRunSet::HeldRunSet(std::string file, std::string corrupt_directory)
    : file_(std::move(file)), corrupt_directory_(std::move(corrupt_directory)) {}

void HeldRunSet::Load(const std::vector<AttemptKey>& taken) {
  v1::SyncResponse desired;
  ReadMessageFile(file_, corrupt_directory_, &desired);
  {
    MutexLock lock(mu_);
    for (const AttemptKey& key : taken) {
      MarkTaken(key);
    }
  }
  Replace(desired);
}

absl::Status HeldRunSet::Save() {
  MutexLock file_lock(file_mu_);
  v1::SyncResponse held;
  {
    MutexLock lock(mu_);
    held = held_;
  }
  std::string serialized = held.SerializeAsString();
  if (serialized == saved_) {
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(WriteFileAtomically(file_, ToJson(held, true) + "\n"));
  saved_ = std::move(serialized);
  return absl::OkStatus();
}

void HeldRunSet::Replace(const v1::SyncResponse& desired) {
  v1::SyncResponse held;
  held.set_revision(desired.revision());
  if (desired.has_progress_interval()) {
    *held.mutable_progress_interval() = desired.progress_interval();
  }
  std::set<std::string> names;
  MutexLock lock(mu_);
  for (const v1::DesiredRun& run : desired.runs()) {
    if (!IsNamedRun(run)) {
      LogWarning("the controller named a run that cannot be one; left out",
                 {{"run", CleanText(run.run(), 200)}, {"epoch", run.epoch()}});
      continue;
    }
    if (!taken_.contains(KeyOf(run)) && names.insert(run.run()).second) {
      *held.add_runs() = run;
    }
  }
  held_ = std::move(held);
}

std::vector<v1::DesiredRun> HeldRunSet::runs() const {
  MutexLock lock(mu_);
  return {held_.runs().begin(), held_.runs().end()};
}

std::string HeldRunSet::revision() const {
  MutexLock lock(mu_);
  return held_.revision();
}

absl::Duration HeldRunSet::progress_interval() const {
  MutexLock lock(mu_);
  const absl::Duration asked =
      held_.has_progress_interval() ? ToAbsl(held_.progress_interval()) : kDefaultProgressInterval;
  return std::clamp(asked, absl::Milliseconds(100), absl::Seconds(60));
}

bool HeldRunSet::Take(const AttemptKey& key) {
  MutexLock lock(mu_);
  for (int i = 0; i < held_.runs_size(); ++i) {
    if (KeyOf(held_.runs(i)) == key) {
      held_.mutable_runs()->DeleteSubrange(i, 1);
      MarkTaken(key);
      return true;
    }
  }
  return false;
}

std::optional<v1::DesiredRun> HeldRunSet::TakeByName(absl::string_view name) {
  MutexLock lock(mu_);
  for (int i = 0; i < held_.runs_size(); ++i) {
    if (absl::string_view(held_.runs(i).run()) == name) {
      v1::DesiredRun run = held_.runs(i);
      held_.mutable_runs()->DeleteSubrange(i, 1);
      MarkTaken(KeyOf(run));
      return run;
    }
  }
  return std::nullopt;
}

void HeldRunSet::MarkTaken(const AttemptKey& key) {
  if (!taken_.insert(key).second) {
    return;
  }
  taken_order_.push_back(key);
  if (taken_order_.size() > kMaxTaken) {
    taken_.erase(taken_order_.front());
    taken_order_.pop_front();
  }
}

}  // namespace backup::agent
