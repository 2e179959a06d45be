// SPDX-License-Identifier: Apache-2.0
#include "ctl/policy_choice.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "ctl/policy_source.h"
#include "ctl/short_name.h"

namespace backup::ctl {

absl::StatusOr<PolicyDocument> ChoosePolicyOfFile(Session& session, const std::string& file, const std::string& name) {
  ASSIGN_OR_RETURN(std::vector<PolicyDocument> documents, LoadPolicies({file}, session.environment().in));
  if (name.empty() && documents.size() == 1) return std::move(documents[0]);
  std::vector<std::string> names;
  for (PolicyDocument& document : documents) {
    if (!name.empty() && ShortName(document.policy.name()) == ShortName(name)) return std::move(document);
    names.push_back(ShortName(document.policy.name()));
  }
  return MakeError(absl::StatusCode::kInvalidArgument, "WRONG_USAGE",
                   name.empty() ? absl::StrCat(CleanText(file, 200), " has ", names.size(), " policies")
                                : absl::StrCat(CleanText(file, 200), " has no policy \"", CleanText(name, 100), "\""),
                   absl::StrCat("name one of ", absl::StrJoin(names, ", ")));
}

absl::Status GivenPolicyNotKnown() {
  return MakeError(absl::StatusCode::kFailedPrecondition, "CONTROLLER_TOO_OLD",
                   "the controller looks at stored policies only, not at those of a file",
                   "bring it to the version of backupctl: see backupctl version");
}

absl::Status CheckPolicyIsThere(Client& client, const std::string& name) {
  v1::GetPolicyRequest request;
  request.set_name(FullName("policies", name));
  return client.Call(&v1::PolicyService::Stub::GetPolicy, request).status();
}

}  // namespace backup::ctl
