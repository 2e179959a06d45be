// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/roles_named.h"

#include "absl/strings/match.h"
#include "agent/pipeline/sql_name.h"
#include "agent/pipeline/text_name.h"

namespace backup::agent {
namespace {

// Words of a statement after which the name of a role stands, and the statements that have them.
constexpr absl::string_view kBeforeRole[] = {" TO ", " FROM ", " FOR ROLE "};

// Takes a name, and those after it in a list.
void ConsumeRoles(absl::string_view rest, const std::set<std::string>& roles, std::set<std::string>& found) {
  std::string name;
  while (ConsumeIdentifier(&rest, &name)) {
    if (roles.contains(NameToUtf8(name))) {
      found.insert(NameToUtf8(name));
    }
    if (!absl::StartsWith(rest, ", ")) {
      return;
    }
    rest.remove_prefix(2);
  }
}

}  // namespace

std::set<std::string> RolesNamedIn(absl::string_view statement, const std::set<std::string>& roles) {
  std::set<std::string> found;
  const bool may_name = absl::StartsWith(statement, "ALTER ") || absl::StartsWith(statement, "GRANT ") ||
                        absl::StartsWith(statement, "REVOKE ") || absl::StartsWith(statement, "CREATE POLICY ");
  for (const absl::string_view word : kBeforeRole) {
    for (size_t at = may_name ? statement.find(word) : absl::string_view::npos; at != absl::string_view::npos;
         at = statement.find(word, at + 1)) {
      ConsumeRoles(statement.substr(at + word.size()), roles, found);
    }
  }
  return found;
}

}  // namespace backup::agent
