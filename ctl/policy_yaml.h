// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "backup/v1/policy.pb.h"

namespace backup::ctl {

// The policy as a policy file: one YAML document, keys in the order of the documentation, every field that is set, none
// that is output-only. The inverse of ParsePolicyFile. Equal policies give equal text.
std::string PolicyToYaml(const v1::Policy& policy);

}  // namespace backup::ctl
