// SPDX-License-Identifier: Apache-2.0
#include "server/api/filters.h"

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/resource_name.h"
#include "base/status_macros.h"

namespace backup::server {
namespace {

absl::Status NameError(absl::string_view field, const absl::Status& status) {
  return InvalidField(absl::StrCat("filter.", field), status.message());
}

// The three names that both filters have.
template <typename Filter>
absl::Status CheckNames(const Filter& filter) {
  if (!filter.policy().empty()) {
    if (const absl::Status status = ParsePolicyName(filter.policy()).status(); !status.ok()) {
      return NameError("policy", status);
    }
  }
  if (!filter.agent().empty()) {
    if (const absl::Status status = ParseAgentName(filter.agent()).status(); !status.ok()) {
      return NameError("agent", status);
    }
  }
  if (!filter.database().empty()) {
    if (const absl::Status status = ParseDatabaseName(filter.database()).status(); !status.ok()) {
      return NameError("database", status);
    }
  }
  return absl::OkStatus();
}

// proto3 enums are open: any number may come, and 0 stands for nothing.
template <typename Values, typename IsValid>
absl::Status CheckEnums(absl::string_view field, const Values& values, IsValid is_valid) {
  for (int i = 0; i < values.size(); ++i) {
    if (values.Get(i) == 0 || !is_valid(values.Get(i))) {
      return InvalidField(absl::StrCat("filter.", field, "[", i, "]"), "it is none of the known values");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckFilter(const v1::RunFilter& filter) {
  RETURN_IF_ERROR(CheckNames(filter));
  RETURN_IF_ERROR(CheckEnums("states", filter.states(), v1::RunState_IsValid));
  return CheckEnums("kinds", filter.kinds(), v1::RunKind_IsValid);
}

absl::Status CheckFilter(const v1::BackupFilter& filter) {
  RETURN_IF_ERROR(CheckNames(filter));
  return CheckEnums("states", filter.states(), v1::BackupState_IsValid);
}

}  // namespace backup::server
