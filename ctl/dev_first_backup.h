// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "backup/v1/backup.pb.h"
#include "backup/v1/policy.pb.h"
#include "ctl/client.h"

namespace backup::ctl {

// Creates `policy` unless one of its name is there; that one stays as it is. Returns whether it was created.
absl::StatusOr<bool> EnsurePolicy(Client& client, const v1::Policy& policy);

// Id of the agent's start that the controller heard of last; empty when it never was.
absl::StatusOr<std::string> AgentBootId(Client& client, const std::string& agent);

// The agent's one database, `agents/{agent}/databases/{database}`, once the controller has heard of a start of the
// agent other than `old_boot_id` (any, when that is ""). INTERNAL DEV_AGENT_FAILED after `timeout`, or once `runs` says
// that the agent does not run.
absl::StatusOr<std::string> AwaitDatabase(Client& client, const std::string& agent, const std::string& old_boot_id,
                                          const std::function<bool()>& runs, absl::Duration timeout);

// The newest good backup of `database`; nothing when there is none.
absl::StatusOr<std::optional<v1::Backup>> NewestGoodBackup(Client& client, const std::string& database);

// Makes a backup of `database` now and waits for it, at most `timeout`. A run that does not succeed is INTERNAL with
// its cause as the reason, its text, and its hint.
absl::StatusOr<v1::Backup> MakeBackup(Client& client, const std::string& database, const std::string& policy,
                                      absl::Duration timeout);

}  // namespace backup::ctl
