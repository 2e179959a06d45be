// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "backup/v1/agent_control_service.pb.h"
#include "backup/v1/backup.pb.h"
#include "backup/v1/manifest.pb.h"
#include "backup/v1/run.pb.h"
#include "server/domain/changes.h"

namespace backup::server {

// Whether a reported success of a BACKUP can be true: the manifest is of this run, attempt, epoch, agent, policy and
// slot; hashes have the right form; sizes, counts and offsets are in range and agree with each other; the read-back has
// a time. INVALID_ARGUMENT RESULT_INVALID with the first contradiction. Does not look at whether the content is as
// expected.
absl::Status CheckBackupResult(const v1::Run& run, const v1::AttemptRef& attempt, const v1::RunResult& result);

// Why the content is not as expected, for people; "" when it is. Held against `spec` and, for changes, against the last
// good backup of the database. Once suspicious, later ones like it are so too until a good one comes or the policy
// allows the change: the last good backup stays the measure.
std::string FindSuspicion(const v1::VerifySpec& spec, const v1::Manifest& manifest,
                          const std::optional<v1::Backup>& last_good, absl::Time now);

// The catalog's row for a result that CheckBackupResult passed: GOOD, or SUSPICIOUS with the reason.
v1::Backup MakeBackup(const RunView& view, const v1::RunResult& result, absl::Time now);

}  // namespace backup::server
