// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace backup::agent {

// What lies in a repository that nothing of ours made. It is looked at, never touched.
struct RepositorySurvey {
  // Paths below the root, cleaned, in order; the first 20.
  std::vector<std::string> unknown_paths;
  // How many there are; a directory that is not ours counts as one.
  int unknown_count = 0;
};

// Goes through the directories of all agents. Names that ours could have are taken for ours. REPOSITORY_UNAVAILABLE
// when the root is none; a directory that cannot be read counts as unknown.
absl::StatusOr<RepositorySurvey> SurveyRepository(const std::string& root);

}  // namespace backup::agent
