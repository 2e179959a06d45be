// SPDX-License-Identifier: Apache-2.0
#include "agent/command_init_repository.h"

#include <cstdlib>
#include <filesystem>
#include <ostream>
#include <system_error>

#include "agent/command_error.h"
#include "agent/config.h"
#include "agent/pipeline/repository.h"
#include "base/text.h"

namespace backup::agent {

int RunInitRepositoryCommand(const std::string& directory, Random& random, absl::Time now, std::ostream& out,
                             std::ostream& err) {
  std::string root = directory;
  if (root.empty()) {
    const char* variable = std::getenv("BACKUP_DIR");
    root = variable != nullptr && *variable != '\0' ? variable : kDefaultRepository;
  }
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(root, error);
  if (!error) {
    root = absolute.lexically_normal().string();
  }
  const absl::StatusOr<std::string> id = Repository::Init(root, random, now);
  if (!id.ok()) {
    return PrintCommandError(id.status(), err);
  }
  out << "repository " << *id << " at " << CleanText(root) << "\n";
  return 0;
}

}  // namespace backup::agent
