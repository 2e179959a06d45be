// SPDX-License-Identifier: Apache-2.0
#include "server/domain/run_cancel.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/errors.h"
#include "base/proto_json.h"
#include "base/text.h"
#include "server/domain/run_state.h"

namespace backup::server {
namespace {

constexpr size_t kMaxCancelReasonBytes = 1024;

}  // namespace

absl::StatusOr<RunChange> CancelRun(const RunView& view, absl::string_view actor, absl::string_view reason,
                                    absl::Time now) {
  RunChange change;
  change.run = view.run;
  v1::Run& run = change.run;
  if (!IsOpen(run.state())) {
    return RunAlreadyEnded(run.name(), v1::RunState_Name(run.state()));
  }
  if (run.kind() == v1::DELETE) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "DELETION_BEGUN",
                     absl::StrCat(run.name(), " finishes a deletion that was begun and cannot be cancelled"),
                     "hold the backups that are to stay: backupctl backup hold");
  }
  if (run.cancel_requested()) {
    return change;
  }
  std::string text = absl::StrCat("cancelled by ", actor);
  if (!reason.empty()) {
    absl::StrAppend(&text, ": ", CleanText(reason, kMaxCancelReasonBytes));
  }
  run.set_cancel_requested(true);
  run.set_state_reason(text);
  if (run.state() == v1::RUNNING || run.delivered()) {
    change.events.push_back(MakeEvent(now, actor, run.name(), "RUN_CANCEL_REQUESTED", text));
    return change;
  }
  run.set_state(v1::CANCELLED);
  *run.mutable_end_time() = ToProto(now);
  change.events.push_back(MakeEvent(now, actor, run.name(), "RUN_CANCELLED", text));
  return change;
}

}  // namespace backup::server
