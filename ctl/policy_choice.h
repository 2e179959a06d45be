// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ctl/client.h"
#include "ctl/policy_file.h"
#include "ctl/session.h"

namespace backup::ctl {

// One policy of a file ("-" for standard input), to look at before it is applied: the one called `name`, or, when that
// is empty, the only one there. Errors of LoadPolicies; INVALID_ARGUMENT WRONG_USAGE when it is not there or one of
// several.
absl::StatusOr<PolicyDocument> ChoosePolicyOfFile(Session& session, const std::string& file, const std::string& name);

// FAILED_PRECONDITION CONTROLLER_TOO_OLD: it knows stored policies only.
absl::Status GivenPolicyNotKnown();

// NOT_FOUND POLICY_NOT_FOUND when there is no policy called `name`, for lists that found nothing of it: history
// outlives policies, so only then is it worth a question.
absl::Status CheckPolicyIsThere(Client& client, const std::string& name);

}  // namespace backup::ctl
