// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "server/store/store.h"

namespace backup::server {

// Rules about writing that every implementation of Store follows. Pure functions. Checks come before any change, so
// that a verb with a bad value has no effect; they give INVALID_ARGUMENT VALUE_INVALID, INVALID_FIELD or
// INVALID_RESOURCE_NAME.

// Storable; name and database are resource names, kind and state known values.
absl::Status CheckRun(const v1::Run& run);
// Storable; name and database are resource names, the state a known value, no size negative.
absl::Status CheckBackup(const v1::Backup& backup);
// What a decision wants: everything in it storable, and the row it puts the one it was asked about.
absl::Status CheckPolicyChange(absl::string_view name, const PolicyChange& change);
absl::Status CheckRunChange(absl::string_view name, const RunChange& change);
absl::Status CheckDatabaseBackupsChange(absl::string_view database, const DatabaseBackupsChange& change);
absl::Status CheckNewRun(const v1::Run& run, absl::string_view request_id, absl::Span<const v1::Event> events);
// Storable, and every database is the agent's own.
absl::Status CheckAgentReport(const AgentReport& report);

// The hash is lower-case hex of 32 bytes, and `agent` an agent's name.
absl::Status CheckEnrollmentToken(absl::string_view token_sha256, absl::string_view agent);

// A run of the name of `wanted` is there already: the same when the call is a repetition of one whose answer was lost,
// else ALREADY_EXISTS RUN_ALREADY_EXISTS.
absl::StatusOr<v1::Run> CheckSameRun(const v1::Run& wanted, const v1::Run& existing);

// What a new row needs and its maker may leave out: create_time `now`, slot_time `now`, not_before_time the slot's;
// with rounded times.
void CompleteNewRun(absl::Time now, v1::Run* run);
// Takes spec, times, epoch and delivered from `update`; the slot stays, it is what the run is.
void ReplanRun(const v1::Run& update, v1::Run* run);
// What a row keeps for life is taken from `stored`: name, kind, database, policy, slot, manual, create_time, sequence.
// Rounds the other times.
void KeepIdentity(const v1::Run& stored, v1::Run* run);
// The same for a backup: sequence and create_time; and the manifest, unless `backup` has one.
void KeepIdentity(const v1::Backup& stored, v1::Backup* backup);
// An agent's row after a report: all from `reported` but what enrolment gave, and `state`; with rounded times.
void KeepEnrollment(const v1::Agent& reported, v1::Agent* agent);
// An agent's row after enrolment: enroll_time and certificate_expire_time from `enrolled`, rounded.
void TakeEnrollment(const v1::Agent& enrolled, v1::Agent* agent);
// A database as stored: without output-only fields.
v1::Database ReportedDatabase(v1::Database database);
bool SameLabels(const v1::Database& a, const v1::Database& b);
// The most that a PolicyView holds of runs that ended ahead of their time.
inline constexpr int kMaxEndedAhead = 5000;
// Whether slots may have fallen due that no plan knew: rows reach a horizon beyond the last one, and a plan made in the
// future was made by a clock that was wrong.
bool PlanMayHaveEnded(absl::Time planned_time, absl::Time now);

// Rounds the times that the catalog filters and orders by.
void RoundTimes(v1::Run* run);
void RoundTimes(v1::Backup* backup);

// `agents/{agent}` of a database's name; "" when it is none.
std::string AgentOfDatabase(absl::string_view database);
// `backups/{backup}` that the run made or reads; "" when there is none.
std::string BackupOfRun(const v1::Run& run);

}  // namespace backup::server
