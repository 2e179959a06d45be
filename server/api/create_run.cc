// SPDX-License-Identifier: Apache-2.0
#include "server/api/create_run.h"

#include <algorithm>
#include <optional>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "server/api/api_errors.h"
#include "server/api/drill_request.h"
#include "server/api/find_policy.h"
#include "server/api/restore_request.h"
#include "server/domain/planning.h"
#include "server/domain/run_state.h"
#include "server/domain/selector.h"

namespace backup::server {
namespace {

constexpr size_t kMaxRequestIdBytes = 64;

absl::Status CheckRequestId(const std::string& id) {
  const bool plain =
      std::all_of(id.begin(), id.end(), [](unsigned char c) { return absl::ascii_isalnum(c) || c == '-'; });
  if (!plain || id.size() > kMaxRequestIdBytes) {
    return InvalidField("request_id", "it is not a UUID", "give a UUID, or leave it out");
  }
  return absl::OkStatus();
}

// The policy that was named, else the only one that covers the database, else the default one.
absl::StatusOr<v1::Policy> ChoosePolicy(const ApiContext& api, const std::string& name, const v1::Database& database) {
  if (!name.empty()) {
    if (const absl::Status status = ParsePolicyName(name).status(); !status.ok()) {
      return InvalidField("run.policy", status.message());
    }
    ASSIGN_OR_RETURN(v1::Policy policy, api.store.GetPolicy(name));
    if (!Covers(policy.spec(), database)) {
      return DatabaseNotCovered(name, database.name());
    }
    return policy;
  }
  ASSIGN_OR_RETURN(std::optional<v1::Policy> policy, FindCoveringPolicy(api.store, database));
  return policy.has_value() ? *std::move(policy) : v1::Policy();
}

absl::StatusOr<v1::Run> MakeBackupRun(const ApiContext& api, const v1::Run& wanted, absl::Time now) {
  if (const absl::Status status = ParseDatabaseName(wanted.database()).status(); !status.ok()) {
    return InvalidField("run.database", status.message());
  }
  ASSIGN_OR_RETURN(const v1::Database database, api.store.GetDatabase(wanted.database()));
  ASSIGN_OR_RETURN(const v1::Policy policy, ChoosePolicy(api, wanted.policy(), database));
  return ManualBackupRun(policy, database.name(), now, api.random);
}

absl::StatusOr<v1::Run> MakeVerifyRun(const ApiContext& api, const v1::Run& wanted, absl::Time now) {
  if (const absl::Status status = ParseBackupName(wanted.backup()).status(); !status.ok()) {
    return InvalidField("run.backup", status.message());
  }
  ASSIGN_OR_RETURN(const v1::Backup backup, api.store.GetBackup(wanted.backup()));
  return ManualVerifyRun(backup, now, api.random);
}

absl::StatusOr<v1::Run> MakeRun(const ApiContext& api, const v1::Run& wanted, absl::Time now) {
  switch (wanted.kind()) {
    case v1::BACKUP:
      return MakeBackupRun(api, wanted, now);
    case v1::VERIFY:
      return MakeVerifyRun(api, wanted, now);
    case v1::DRILL:
      return MakeDrillRun(api, wanted, now);
    case v1::RESTORE:
      return MakeRestoreRun(api, wanted, now);
    default:
      return InvalidField("run.kind", "it is none of BACKUP, VERIFY, DRILL and RESTORE");
  }
}

}  // namespace

absl::Status DoCreateRun(const ApiContext& api, const Peer& peer, const v1::CreateRunRequest& request,
                         v1::Run& response) {
  RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  const absl::Time now = api.clock.Now();
  ASSIGN_OR_RETURN(const v1::Run run, MakeRun(api, request.run(), now));
  const v1::Event event = MakeEvent(now, peer.ToString(), run.name(), "RUN_REQUESTED",
                                    absl::StrCat(v1::RunKind_Name(run.kind()), " of ", run.database()));
  ASSIGN_OR_RETURN(response, api.store.CreateRun(run, request.request_id(), now, {&event, 1}));
  api.feed.Publish(response.name());
  api.feed.Publish(AgentOf(response));
  return absl::OkStatus();
}

}  // namespace backup::server
