// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ctl/client.h"

namespace backup::ctl {

// Which of `names` (resource names of databases) a person means by `word`: the whole name, else "agent/database", else
// "database" alone; the database as it is or percent-encoded. INVALID_ARGUMENT DATABASE_AMBIGUOUS when several fit,
// with all of them; NOT_FOUND DATABASE_NOT_FOUND when none does, with the nearest.
absl::StatusOr<std::string> MatchDatabase(absl::string_view word, const std::vector<std::string>& names);

// The same among the controller's databases. A whole name is taken as it is.
absl::StatusOr<std::string> ResolveDatabase(Client& client, const std::string& word);

}  // namespace backup::ctl
