// SPDX-License-Identifier: Apache-2.0
#include "agent/run_result.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/pipeline/job_failure.h"
#include "agent/pipeline/manifest_file.h"
#include "base/proto_json.h"
#include "base/text.h"

namespace backup::agent {
namespace {

constexpr int kMaxTexts = 100;
constexpr size_t kMaxTextBytes = 500;

v1::RunResult Ended(v1::RunState state, absl::Time start, absl::Time end) {
  v1::RunResult result;
  result.set_state(state);
  *result.mutable_start_time() = ToProto(start);
  *result.mutable_end_time() = ToProto(end);
  return result;
}

// As many as the message may have, each in one clean line.
void AddTexts(const std::vector<std::string>& texts, google::protobuf::RepeatedPtrField<std::string>& field) {
  for (const std::string& text : texts) {
    if (field.size() == kMaxTexts) {
      return;
    }
    *field.Add() = CleanText(text, kMaxTextBytes);
  }
}

}  // namespace

v1::RunResult BackupSucceeded(const BackupOutcome& outcome, absl::Time start, absl::Time end) {
  v1::RunResult result = Ended(v1::SUCCEEDED, start, end);
  *result.mutable_manifest() = outcome.manifest;
  result.set_manifest_sha256(outcome.manifest_sha256);
  *result.mutable_verify_time() = ToProto(outcome.verify_time);
  *result.mutable_verify_duration() = ToProto(outcome.verify_duration);
  result.set_path(outcome.path);
  return result;
}

v1::RunResult VerifySucceeded(const VerifyOutcome& outcome, absl::Time start, absl::Time end) {
  v1::RunResult result = Ended(v1::SUCCEEDED, start, end);
  result.set_manifest_sha256(outcome.manifest_sha256);
  *result.mutable_verify_time() = ToProto(outcome.verify_time);
  *result.mutable_verify_duration() = ToProto(outcome.verify_duration);
  return result;
}

v1::RunResult RemoveSucceeded(const RemoveOutcome& outcome, absl::Time start, absl::Time end) {
  v1::RunResult result = Ended(v1::SUCCEEDED, start, end);
  v1::Progress& progress = *result.mutable_progress();
  progress.set_phase(v1::REMOVING);
  progress.set_stored_bytes(outcome.size_bytes);
  *progress.mutable_update_time() = ToProto(end);
  return result;
}

v1::RunResult DrillSucceeded(const DrillOutcome& outcome, absl::Time start, absl::Time end) {
  v1::RunResult result = Ended(v1::SUCCEEDED, start, end);
  v1::RestoreFacts& facts = *result.mutable_restore_facts();
  facts.set_table_count(outcome.manifest.tables_size());
  facts.set_row_count(TotalRows(outcome.manifest));
  facts.set_assertion_count(outcome.assertion_count);
  *facts.mutable_restore_duration() = ToProto(outcome.restore_duration);
  *facts.mutable_total_duration() = ToProto(outcome.total_duration);
  facts.set_contents_compared(true);
  return result;
}

v1::RunResult RestoreSucceeded(const RestoreOutcome& outcome, absl::Time start, absl::Time end) {
  v1::RunResult result = Ended(v1::SUCCEEDED, start, end);
  v1::RestoreFacts& facts = *result.mutable_restore_facts();
  facts.set_table_count(outcome.table_count);
  facts.set_row_count(outcome.row_count);
  facts.set_plain_bytes(outcome.plain_bytes);
  *facts.mutable_restore_duration() = ToProto(outcome.load_duration);
  *facts.mutable_total_duration() = ToProto(std::max(end - start, absl::ZeroDuration()));
  facts.set_contents_compared(outcome.contents_compared);
  AddTexts(outcome.left_out, *facts.mutable_left_out());
  return result;
}

v1::RunResult RestorePlanned(const RestorePlan& plan, absl::Time start, absl::Time end) {
  v1::RunResult result = Ended(v1::SUCCEEDED, start, end);
  v1::RestoreFacts& facts = *result.mutable_restore_facts();
  facts.set_table_count(plan.table_count);
  facts.set_row_count(plan.row_count);
  facts.set_plain_bytes(plan.plain_bytes);
  AddTexts(plan.obstacles, *facts.mutable_obstacles());
  return result;
}

v1::RunResult EndedWithError(const absl::Status& error, const Cancellation& cancellation, absl::Time start,
                             absl::Time end) {
  const v1::Failure failure = FailureFromStatus(error);
  if (cancellation.cancelled() && (failure.cause() == v1::CANCELLED_BY_USER || absl::IsCancelled(error))) {
    v1::RunResult result = Ended(v1::CANCELLED, start, end);
    result.set_state_reason(cancellation.reason());
    return result;
  }
  v1::RunResult result = Ended(v1::FAILED, start, end);
  *result.mutable_failure() = failure;
  return result;
}

v1::RunResult NotStarted(v1::RunState state, v1::NotStartedCause cause, absl::string_view reason, absl::Time now) {
  v1::RunResult result;
  result.set_state(state);
  result.set_state_reason(std::string(reason));
  result.set_not_started_cause(cause);
  *result.mutable_end_time() = ToProto(now);
  return result;
}

v1::RunResult CutOff(const v1::Run& attempt, absl::Time now) {
  v1::RunResult result;
  result.set_state(v1::FAILED);
  if (attempt.has_start_time()) {
    *result.mutable_start_time() = attempt.start_time();
  }
  *result.mutable_end_time() = ToProto(now);
  *result.mutable_failure() = FailureFromStatus(
      JobError(v1::AGENT_LOST, "the agent stopped during the run and left no artifact",
               attempt.kind() == v1::DELETE ? "the backup counts as deleted; its files are removed by the next run"
                                            : "see the agent's log for why it stopped; the next slot runs as planned"));
  return result;
}

void FitIntoMessage(v1::CompleteRunRequest& request, size_t max_bytes) {
  if (!request.result().has_manifest()) {
    return;
  }
  v1::Manifest& manifest = *request.mutable_result()->mutable_manifest();
  if (request.ByteSizeLong() > max_bytes) {
    manifest.add_warnings("content hashes were left out of the report; manifest.json has them");
    for (v1::TableFacts& table : *manifest.mutable_tables()) {
      table.clear_content_hash();
    }
  }
  if (request.ByteSizeLong() > max_bytes) {
    manifest.add_warnings("sequences were left out of the report; manifest.json has them");
    manifest.clear_sequences();
  }
  if (request.ByteSizeLong() > max_bytes) {
    manifest.add_warnings("tables were left out of the report; manifest.json has them");
    manifest.clear_tables();
  }
}

}  // namespace backup::agent
