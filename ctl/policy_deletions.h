// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "backup/v1/policy_service.pb.h"
#include "ctl/output.h"

namespace backup::ctl {

// What a change of a policy would delete, for people: a line, then one for each database. "" when nothing.
std::string DeletionText(const std::string& policy, const v1::PolicyChangePlan& deletions, const Output& output);
// "policy nightly covers no database: ..." when it does not, or would not; else "".
std::string NothingCoveredText(const std::string& policy, const v1::PolicyChangePlan& plan);
// "4 backups (3.0 MiB)".
std::string DeletionSum(const v1::PolicyChangePlan& deletions);
// The same for programs; the protobuf JSON of the message.
nlohmann::ordered_json DeletionJson(const v1::PolicyChangePlan& deletions);

}  // namespace backup::ctl
