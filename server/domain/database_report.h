// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "backup/v1/policy.pb.h"
#include "backup/v1/report_service.pb.h"
#include "backup/v1/retention.pb.h"
#include "backup/v1/run.pb.h"
#include "server/domain/report_facts.h"

namespace backup::server {

// The span that a report is about: [since, until), with until <= now.
struct ReportSpan {
  absl::Time since;
  absl::Time until;
  absl::Time now;
};

// Makes the report on one database from what the catalog tells, piece by piece, in bounded memory whatever the span's
// length. Feed it, then Finish() once. Pure; not thread-safe.
class DatabaseReporter {
 public:
  DatabaseReporter(std::string database, const ReportSpan& span);

  // A policy that covers it or made some of its runs; once for each, in any order. Others in AddSlots are gone.
  void AddPolicy(const v1::Policy& policy);
  // Of slots in the span; those not due yet must not be among them.
  void AddSlots(const SlotCount& slots);
  // The last snapshot before the span that is or was good; InfinitePast for none. Before the first AddBackup.
  void SetLastGoodBefore(absl::Time snapshot_time);
  // Of snapshots in the span, by rising time.
  void AddBackup(const PastBackup& backup);
  // Drills with a slot in the span, the newest first; what is beyond the first 100 is passed over.
  void AddDrill(const v1::Run& drill);
  // What retention would do now with all of its backups.
  void SetRetention(const v1::RetentionPlan& plan);

  v1::DatabaseReport Finish();

 private:
  struct PolicyFacts {
    std::optional<v1::Policy> policy;  // Nothing when it is gone.
    v1::PolicyReport report;
    absl::Time first_slot = absl::InfiniteFuture();
    std::vector<absl::Time> good;  // Snapshots of the good backups that exist.
  };

  void NoteGap(absl::Time start, absl::Time end);
  void FinishGaps();
  void AddSize(const PastBackup& backup);
  void AddFlawed(const v1::Backup& backup);

  const ReportSpan span_;
  v1::DatabaseReport report_;
  std::map<std::string, PolicyFacts> policies_;     // By name.
  absl::Time last_good_ = absl::InfinitePast();     // So far; InfinitePast before the first.
  absl::Time first_good_ = absl::InfiniteFuture();  // In the span, when none was before it.
  std::optional<absl::Duration> longest_gap_;
  absl::Time longest_gap_start_;
  int64_t size_stride_ = 1;
  v1::SizePoint last_size_;
  bool has_last_size_ = false;                    // It is among those of the report.
  std::map<std::string, v1::BackupState> flaws_;  // Backups that exist and are not good, by name.
};

}  // namespace backup::server
