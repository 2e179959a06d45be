// SPDX-License-Identifier: Apache-2.0
#include "server/domain/database_report.h"

#include <algorithm>
#include <utility>

#include "base/proto_json.h"
#include "server/domain/retention_compliance.h"

namespace backup::server {
namespace {

// Of the answer, by its contract.
constexpr int kMaxSizePoints = 100;
constexpr int kMaxDrills = 100;
constexpr int kMaxFlawed = 100;

void CountSlots(const SlotCount& slots, v1::PolicyReport& report) {
  report.set_expected_count(report.expected_count() + slots.count);
  switch (slots.state) {
    case v1::SUCCEEDED:
      if (IsOrWasGood(slots.backup)) return report.set_good_count(report.good_count() + slots.count);
      return report.set_not_good_count(report.not_good_count() + slots.count);
    case v1::FAILED:
      return report.set_failed_count(report.failed_count() + slots.count);
    case v1::MISSED:
      return report.set_missed_count(report.missed_count() + slots.count);
    case v1::SKIPPED:
      return report.set_skipped_count(report.skipped_count() + slots.count);
    case v1::LOST:
      return report.set_lost_count(report.lost_count() + slots.count);
    case v1::CANCELLED:
      return report.set_cancelled_count(report.cancelled_count() + slots.count);
    default:
      return report.set_open_count(report.open_count() + slots.count);
  }
}

}  // namespace

DatabaseReporter::DatabaseReporter(std::string database, const ReportSpan& span) : span_(span) {
  report_.set_database(std::move(database));
}

void DatabaseReporter::AddPolicy(const v1::Policy& policy) { policies_[policy.name()].policy = policy; }

void DatabaseReporter::AddSlots(const SlotCount& slots) {
  PolicyFacts& facts = policies_[slots.policy];
  CountSlots(slots, facts.report);
  facts.first_slot = std::min(facts.first_slot, slots.policy_first_slot);
}

void DatabaseReporter::SetLastGoodBefore(absl::Time snapshot_time) { last_good_ = snapshot_time; }

void DatabaseReporter::AddBackup(const PastBackup& backup) {
  if (!IsOrWasGood(backup.worth)) return;
  if (last_good_ != absl::InfinitePast()) {
    NoteGap(last_good_, backup.snapshot_time);
  } else {
    first_good_ = backup.snapshot_time;
  }
  last_good_ = backup.snapshot_time;
  report_.set_made_count(report_.made_count() + 1);
  AddSize(backup);
}

void DatabaseReporter::NoteGap(absl::Time start, absl::Time end) {
  if (longest_gap_.has_value() && end - start <= *longest_gap_) return;
  longest_gap_ = end - start;
  longest_gap_start_ = start;
}

// Keeps every stride-th one, and doubles the stride when there is no more room.
void DatabaseReporter::AddSize(const PastBackup& backup) {
  last_size_.Clear();
  *last_size_.mutable_snapshot_time() = ToProto(backup.snapshot_time);
  last_size_.set_plain_bytes(backup.plain_bytes);
  last_size_.set_size_bytes(backup.size_bytes);
  last_size_.set_row_count(backup.row_count);
  has_last_size_ = (report_.made_count() - 1) % size_stride_ == 0;
  if (!has_last_size_) return;
  *report_.add_sizes() = last_size_;
  if (report_.sizes_size() < kMaxSizePoints) return;
  for (int i = 0; 2 * i < report_.sizes_size(); ++i) report_.mutable_sizes()->SwapElements(i, 2 * i);
  has_last_size_ = report_.sizes_size() % 2 == 1;
  report_.mutable_sizes()->DeleteSubrange((report_.sizes_size() + 1) / 2, report_.sizes_size() / 2);
  size_stride_ *= 2;
}

void DatabaseReporter::AddDrill(const v1::Run& drill) {
  if (report_.drills_size() >= kMaxDrills) return;
  v1::DrillReport& report = *report_.add_drills();
  report.set_run(drill.name());
  report.set_backup(drill.backup());
  *report.mutable_slot_time() = drill.slot_time();
  report.set_state(drill.state());
  report.set_manual(drill.manual());
  if (drill.state() != v1::SUCCEEDED) {
    report.set_reason(drill.failure().message().empty() ? drill.state_reason() : drill.failure().message());
  }
  if (drill.has_restore_facts()) *report.mutable_restore_duration() = drill.restore_facts().restore_duration();
  if (drill.spec().drill().has_max_duration()) {
    *report.mutable_max_duration() = drill.spec().drill().max_duration();
  }
}

void DatabaseReporter::SetRetention(const v1::RetentionPlan& plan) {
  for (const v1::PolicyRetention& retention : plan.policies()) {
    const auto facts = policies_.find(retention.policy());
    if (facts != policies_.end()) *facts->second.report.mutable_retention() = retention;
  }
  for (const v1::RetentionDecision& decision : plan.decisions()) {
    const v1::Backup& backup = decision.backup();
    if (backup.state() == v1::SUSPICIOUS || backup.state() == v1::BAD) AddFlawed(backup);
    if (backup.state() != v1::GOOD) continue;
    report_.set_good_backup_count(report_.good_backup_count() + 1);
    if (backup.verification_level() == v1::RESTORED) {
      report_.set_proven_backup_count(report_.proven_backup_count() + 1);
    }
    const auto facts = policies_.find(backup.policy());
    if (facts != policies_.end()) facts->second.good.push_back(ToAbsl(backup.snapshot_time()));
  }
}

void DatabaseReporter::AddFlawed(const v1::Backup& backup) {
  flaws_[backup.name()] = backup.state();
  report_.set_flawed_count(report_.flawed_count() + 1);
  if (report_.flawed_size() == kMaxFlawed) return;
  v1::FlawedBackup& flawed = *report_.add_flawed();
  flawed.set_backup(backup.name());
  flawed.set_state(backup.state());
  flawed.set_reason(backup.state_reason());
  *flawed.mutable_snapshot_time() = backup.snapshot_time();
}

v1::DatabaseReport DatabaseReporter::Finish() {
  FinishGaps();
  if (!has_last_size_ && report_.made_count() > 0) *report_.add_sizes() = last_size_;
  std::reverse(report_.mutable_drills()->begin(), report_.mutable_drills()->end());
  for (v1::DrillReport& drill : *report_.mutable_drills()) {
    if (const auto flaw = flaws_.find(drill.backup()); flaw != flaws_.end()) drill.set_backup_flaw(flaw->second);
  }
  for (auto& [name, facts] : policies_) {
    v1::PolicyReport& report = facts.report;
    report.set_policy(name);
    const int64_t ended = report.expected_count() - report.open_count();
    if (ended > 0) report.set_success_ratio(static_cast<double>(report.good_count()) / static_cast<double>(ended));
    if (facts.policy.has_value()) {
      report.mutable_retention()->set_policy(name);
      for (const v1::RetentionShortfall& shortfall :
           FindShortfalls({*facts.policy, facts.good, facts.first_slot}, span_.now)) {
        *report.add_shortfalls() = shortfall;
      }
    } else {
      report.clear_retention();
    }
    *report_.add_policies() = report;
  }
  return std::move(report_);
}

void DatabaseReporter::FinishGaps() {
  absl::Time begin = absl::InfiniteFuture();
  for (const auto& [name, facts] : policies_) begin = std::min(begin, facts.first_slot);
  begin = std::max(begin, span_.since);
  if (last_good_ != absl::InfinitePast()) NoteGap(last_good_, span_.until);
  const absl::Time first = last_good_ == absl::InfinitePast() ? span_.until : first_good_;
  // Of two equally long ones the first is told.
  if (begin < first && first != absl::InfiniteFuture() &&
      (!longest_gap_.has_value() || first - begin >= *longest_gap_)) {
    longest_gap_ = first - begin;
    longest_gap_start_ = begin;
  }
  if (!longest_gap_.has_value()) return;
  *report_.mutable_longest_gap() = ToProto(*longest_gap_);
  *report_.mutable_longest_gap_start_time() = ToProto(longest_gap_start_);
}

}  // namespace backup::server
