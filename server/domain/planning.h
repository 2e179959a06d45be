// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "backup/v1/policy.pb.h"
#include "backup/v1/run.pb.h"
#include "base/random.h"
#include "server/domain/changes.h"

namespace backup::server {

// At most so many rows for slots of the past in one plan, so that no transaction is long.
inline constexpr int kMaxPastRows = 2000;

// The rows that the policy of `view` (which must be set) should have: one SCHEDULED BACKUP run for each database it
// covers and each slot of its schedule in (now, now + horizon], and always the first slot beyond; the same for the
// slots of spec.drill as DRILL runs, which do not yet say of which backup. Rows of the future that no longer fit are
// withdrawn, those with another spec or other times updated with the next epoch. Rows of a policy that is paused or
// limits its runs at once are held back.
//
// Slots that fell due while nothing planned get rows too, since the database's last one or the policy's update_time,
// within the bounds of past_slots.h: at most the newest of each database and kind still runs, the others are MISSED or
// SKIPPED with their cause and event. When they are more than kMaxPastRows the plan is not complete (`planned` is
// false): the oldest come first, and planning again goes on where it ended.
//
// Rows of the future that a clock that was wrong has ended are opened again, with the event RUN_REOPENED.
//
// Gives no put_policy. The error of Schedule::Create for a policy that was stored by something else.
absl::StatusOr<PolicyChange> PlanRuns(const PolicyView& view, absl::Time now, Random& random);

// When drills are due, of a policy that has some: in the schedule's zone, with its jitter and start deadline.
v1::ScheduleSpec DrillSchedule(const v1::PolicySpec& spec);

// Spec of a BACKUP and of a DRILL run under this policy.
v1::RunSpec BackupRunSpec(const v1::PolicySpec& spec);
v1::RunSpec DrillRunSpec(const v1::PolicySpec& spec);
// Makes it a run that reads `backup`, as the catalog knows it.
void SetBackupToRead(const v1::Backup& backup, v1::Run& run);

// Runs asked for by hand, due at `now`: PENDING, epoch 1, manual. `policy` may be the default Policy: then without one,
// and defaults apply. Start deadline as the policy's, by default 6 h.
v1::Run ManualBackupRun(const v1::Policy& policy, absl::string_view database, absl::Time now, Random& random);
v1::Run ManualVerifyRun(const v1::Backup& backup, absl::Time now, Random& random);
v1::Run ManualDrillRun(const v1::Backup& backup, const v1::DrillRunSpec& drill, absl::Time now, Random& random);
// Removes `backup`'s files; PENDING at once, for a week.
v1::Run NewDeleteRun(const v1::Backup& backup, absl::Time now, Random& random);
v1::Run ManualRestoreRun(const v1::Backup& backup, const v1::RestoreRunSpec& restore, absl::Time now, Random& random);

}  // namespace backup::server
