// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "ctl/policy_file.h"

namespace backup::ctl {

// Every policy that `paths` name: files, directories (their *.yaml and *.yml, by name, not those below) and "-" for
// `in`. All that is wrong in all of them is told at once. INVALID_ARGUMENT also for a policy that is there twice and
// for nothing at all.
absl::StatusOr<std::vector<PolicyDocument>> LoadPolicies(const std::vector<std::string>& paths, std::istream& in);

}  // namespace backup::ctl
