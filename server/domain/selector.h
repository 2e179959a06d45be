// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backup/v1/agent.pb.h"
#include "backup/v1/policy.pb.h"

namespace backup::server {

// Whether the selector takes the database: both globs match, no exclude does, and every label is there with its value.
// Globs look at ids as the agent's file spells them, not at encoded ones. False for a database without a valid name.
bool Selects(const v1::DatabaseSelector& selector, const v1::Database& database);

// Whether any selector of the policy takes the database.
bool Covers(const v1::PolicySpec& spec, const v1::Database& database);

}  // namespace backup::server
