// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>

#include "absl/strings/string_view.h"

namespace backup::agent {

// Those of `roles` (names in UTF-8) that a statement of pg_dump's hands something to: an owner, a grant, a policy,
// default privileges. Pure.
std::set<std::string> RolesNamedIn(absl::string_view statement, const std::set<std::string>& roles);

}  // namespace backup::agent
