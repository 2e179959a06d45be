// SPDX-License-Identifier: Apache-2.0
#include "server/domain/backup_renewal.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/proto_json.h"
#include "base/resource_name.h"
#include "base/units.h"
#include "server/domain/deletion.h"
#include "server/domain/reported_values.h"
#include "server/domain/run_state.h"

namespace backup::server {
namespace {

// As long as any run may take.
constexpr absl::Duration kMaxDuration = absl::Hours(7 * 24);

bool IsSane(const google::protobuf::Duration& duration) {
  const absl::Duration value = ToAbsl(duration);
  return value >= absl::ZeroDuration() && value <= kMaxDuration;
}

std::string DurationText(const google::protobuf::Duration& duration) {
  return backup::FormatDuration(absl::Ceil(ToAbsl(duration), absl::Seconds(1)));
}

// What a person tries out says nothing of the backup.
bool AsksWhatThePolicyAsks(const RunView& view) {
  const auto& asked = view.run.spec().drill().assertions();
  if (!view.run.manual()) {
    return true;
  }
  if (!view.policy.has_value()) {
    return false;
  }
  const auto& wanted = view.policy->spec().drill().assertions();
  return std::equal(asked.begin(), asked.end(), wanted.begin(), wanted.end());
}

class Renewal {
 public:
  Renewal(const RunView& view, const v1::RunResult& result, absl::Time now, RunChange& change)
      : view_(view), result_(result), now_(now), change_(change), backup_(*view.backup), agent_(AgentOf(view.run)) {}

  // Whether anything is known anew.
  bool Apply() {
    const v1::RunKind kind = change_.run.kind();
    const v1::FailureCause cause = result_.failure().cause();
    if (result_.state() == v1::SUCCEEDED && kind != v1::RESTORE) {
      ReadBack(result_.has_verify_time() ? result_.verify_time() : result_.end_time());
      if (kind == v1::DRILL) {
        Prove();
      }
    } else if (result_.state() == v1::FAILED && cause == v1::CORRUPT) {
      Condemn();
    } else if (result_.state() == v1::FAILED && cause == v1::ASSERTION_FAILED && kind == v1::DRILL &&
               AsksWhatThePolicyAsks(view_)) {
      Suspect();
    } else {
      return false;
    }
    return true;
  }

  v1::Backup TakeBackup() { return std::move(backup_); }

 private:
  void Tell(absl::string_view type, absl::string_view text) {
    change_.events.push_back(MakeEvent(now_, agent_, backup_.name(), type, text));
  }

  void ReadBack(const google::protobuf::Timestamp& time) {
    *backup_.mutable_verify_time() = SaneTime(true, time, now_);
    if (backup_.state() == v1::BAD) {
      backup_.set_state(v1::GOOD);
      backup_.set_verification_level(v1::STORED);
      backup_.clear_state_reason();
      Tell("BACKUP_RECOVERED", "read back and found to agree");
    }
  }

  void Prove() {
    *backup_.mutable_prove_time() = SaneTime(result_.has_end_time(), result_.end_time(), now_);
    *backup_.mutable_restore_duration() = result_.restore_facts().restore_duration();
    backup_.set_verification_level(v1::RESTORED);
    Tell("BACKUP_PROVEN",
         absl::StrCat("restored in ", DurationText(result_.restore_facts().restore_duration()), ", every table equal"));
  }

  void Condemn() {
    backup_.set_state(v1::BAD);
    backup_.set_state_reason(change_.run.failure().message());
    backup_.set_verification_level(v1::VERIFICATION_LEVEL_UNSPECIFIED);
    *backup_.mutable_verify_time() = SaneTime(result_.has_end_time(), result_.end_time(), now_);
    Tell("BACKUP_BAD", backup_.state_reason());
  }

  void Suspect() {
    if (backup_.state() != v1::BAD) {
      backup_.set_state(v1::SUSPICIOUS);
      backup_.set_state_reason(change_.run.failure().message());
      Tell("BACKUP_SUSPICIOUS", backup_.state_reason());
    }
  }

  const RunView& view_;
  const v1::RunResult& result_;
  const absl::Time now_;
  RunChange& change_;
  v1::Backup backup_;
  const std::string agent_;
};

}  // namespace

absl::Status CheckRestoreFacts(v1::RunKind kind, const v1::RunResult& result) {
  const v1::RestoreFacts& facts = result.restore_facts();
  const bool complete = kind == v1::DRILL
                            ? facts.contents_compared() && facts.has_restore_duration() && facts.has_total_duration()
                            : result.has_restore_facts();
  const bool sane = facts.table_count() >= 0 && facts.row_count() >= 0 && facts.assertion_count() >= 0 &&
                    facts.plain_bytes() >= 0 && IsSane(facts.restore_duration()) && IsSane(facts.total_duration());
  if (!complete || !sane) {
    return MakeError(absl::StatusCode::kInvalidArgument, "RESULT_INVALID",
                     !complete && kind == v1::DRILL
                         ? "success of a drill says how long the restore took and that every table was compared"
                         : "what was restored is not said, or a figure of it is out of range");
  }
  return absl::OkStatus();
}

std::string FindLateness(const v1::DrillRunSpec& spec, const v1::RestoreFacts& facts) {
  if (!spec.has_max_duration() || ToAbsl(facts.restore_duration()) <= ToAbsl(spec.max_duration())) {
    return "";
  }
  return absl::StrCat("everything came back, but the restore took ", DurationText(facts.restore_duration()),
                      "; the policy allows ", DurationText(spec.max_duration()));
}

void RenewBackup(const RunView& view, const v1::RunResult& result, absl::Time now, RunChange& change) {
  if (!view.backup.has_value() || view.backup->database() != view.run.database()) {
    return;
  }
  change.run.set_backup(view.backup->name());
  // Nothing that is told late brings back what is on its way out.
  if (!CheckNotDeleted(*view.backup).ok()) {
    return;
  }
  Renewal renewal(view, result, now, change);
  if (renewal.Apply()) {
    change.backups.push_back(renewal.TakeBackup());
  }
}

}  // namespace backup::server
