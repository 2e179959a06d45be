// SPDX-License-Identifier: Apache-2.0
#include "server/api/drill_request.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/proto_json.h"
#include "base/status_macros.h"
#include "server/api/api_errors.h"
#include "server/api/backup_to_read.h"
#include "server/domain/planning.h"

namespace backup::server {
namespace {

constexpr int kMaxJobs = 64;
constexpr int kMaxAssertions = 1000;
constexpr size_t kMaxAssertionBytes = 4096;
constexpr absl::Duration kLongestDuration = absl::Hours(7 * 24);

absl::Status CheckDrill(const v1::DrillRunSpec& drill) {
  if (drill.jobs() < 0 || drill.jobs() > kMaxJobs) {
    return InvalidField("run.spec.drill.jobs", absl::StrCat("it is not between 1 and ", kMaxJobs));
  }
  if (drill.has_max_duration() &&
      (ToAbsl(drill.max_duration()) < absl::Seconds(1) || ToAbsl(drill.max_duration()) > kLongestDuration)) {
    return InvalidField("run.spec.drill.max_duration", "it is not between 1s and 7d");
  }
  if (drill.assertions_size() > kMaxAssertions) {
    return InvalidField("run.spec.drill.assertions", absl::StrCat("there are more than ", kMaxAssertions));
  }
  for (const std::string& assertion : drill.assertions()) {
    if (assertion.empty() || assertion.size() > kMaxAssertionBytes) {
      return InvalidField("run.spec.drill.assertions",
                          absl::StrCat("an assertion is SQL of 1 to ", kMaxAssertionBytes, " bytes"));
    }
  }
  return absl::OkStatus();
}

// What `asked` leaves open, from the policy that the backup was made under.
v1::DrillRunSpec Complete(const ApiContext& api, v1::DrillRunSpec asked, const std::string& policy_name) {
  v1::DrillRunSpec usual;
  if (const absl::StatusOr<v1::Policy> policy = api.store.GetPolicy(policy_name); policy.ok()) {
    usual = DrillRunSpec(policy->spec()).drill();
  }
  if (asked.jobs() == 0) {
    asked.set_jobs(usual.jobs());
  }
  if (!asked.has_max_duration() && usual.has_max_duration()) {
    *asked.mutable_max_duration() = usual.max_duration();
  }
  if (asked.assertions().empty()) {
    *asked.mutable_assertions() = usual.assertions();
  }
  return asked;
}

}  // namespace

absl::StatusOr<v1::Run> MakeDrillRun(const ApiContext& api, const v1::Run& wanted, absl::Time now) {
  RETURN_IF_ERROR(CheckDrill(wanted.spec().drill()));
  ASSIGN_OR_RETURN(const v1::Backup backup, ReadBackupToRestore(api, wanted));
  return ManualDrillRun(backup, Complete(api, wanted.spec().drill(), backup.policy()), now, api.random);
}

}  // namespace backup::server
