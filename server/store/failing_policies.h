// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pqxx/pqxx>
#include <set>
#include <string>
#include <utility>

#include "absl/time/time.h"

namespace backup::server {

// Database and policy.
using DatabasePolicy = std::pair<std::string, std::string>;

// Of the pairs: those whose last backup run at `now` that says how it goes (kStatesThatTell) did not succeed.
std::set<DatabasePolicy> ReadFailing(pqxx::transaction_base& transaction, const std::set<DatabasePolicy>& pairs,
                                     absl::Time now);

}  // namespace backup::server
