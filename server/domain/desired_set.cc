// SPDX-License-Identifier: Apache-2.0
#include "server/domain/desired_set.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/proto_json.h"
#include "base/x509.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

namespace backup::server {
namespace {

constexpr size_t kMaxRunsBytes = 900 << 10;
constexpr int kMaxCancels = 1000;

v1::DesiredRun ToDesired(const v1::Run& run) {
  v1::DesiredRun desired;
  desired.set_run(run.name());
  desired.set_epoch(run.epoch());
  desired.set_kind(run.kind());
  desired.set_database(run.database());
  desired.set_policy(run.policy());
  *desired.mutable_slot_time() = run.slot_time();
  *desired.mutable_not_before_time() = run.not_before_time();
  *desired.mutable_start_deadline_time() = run.start_deadline_time();
  *desired.mutable_spec() = run.spec();
  desired.set_manual(run.manual());
  return desired;
}

std::string SerializeDeterministically(const google::protobuf::Message& message) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  message.SerializeToCodedStream(&coded);
  coded.Trim();
  return bytes;
}

// Whether the agent may start the run by itself when its time comes.
bool MayBeHeld(const v1::Run& run, bool only_due) {
  if (run.held_back()) {
    return false;
  }
  if (run.state() == v1::PENDING) {
    return true;
  }
  // Which backup a drill is to restore is only known when it is due.
  if (run.state() != v1::SCHEDULED || run.kind() == v1::DRILL || (only_due && !run.manual())) {
    return false;
  }
  return run.manual() || !run.has_start_deadline_time() ||
         ToAbsl(run.not_before_time()) < ToAbsl(run.start_deadline_time());
}

}  // namespace

v1::SyncResponse BuildDesiredSet(absl::Span<const v1::Run> open_runs, absl::Span<const std::string> refused_attempts,
                                 bool only_due) {
  std::vector<std::pair<absl::Time, const v1::Run*>> held;
  std::set<std::string> cancels(refused_attempts.begin(), refused_attempts.end());
  for (const v1::Run& run : open_runs) {
    if (run.cancel_requested()) {
      cancels.insert(run.name());
    }
    // Also one to be cancelled: the agent that holds it then answers for it.
    if (MayBeHeld(run, only_due)) {
      held.emplace_back(ToAbsl(run.not_before_time()), &run);
    }
  }
  std::sort(held.begin(), held.end(), [](const auto& a, const auto& b) {
    const bool a_can_wait = a.second->kind() == v1::DELETE;
    const bool b_can_wait = b.second->kind() == v1::DELETE;
    return std::tie(a_can_wait, a.first, a.second->name()) < std::tie(b_can_wait, b.first, b.second->name());
  });
  v1::SyncResponse set;
  size_t bytes = 0;
  for (const auto& [time, run] : held) {
    v1::DesiredRun desired = ToDesired(*run);
    bytes += desired.ByteSizeLong() + 8;
    if (bytes > kMaxRunsBytes) {
      break;
    }
    *set.add_runs() = std::move(desired);
  }
  for (const std::string& run : cancels) {
    if (set.cancel_runs_size() < kMaxCancels) {
      set.add_cancel_runs(run);
    }
  }
  set.set_revision(Sha256Hex(SerializeDeterministically(set)));
  return set;
}

}  // namespace backup::server
