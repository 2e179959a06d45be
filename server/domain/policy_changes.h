// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "backup/v1/policy.pb.h"
#include "backup/v1/policy_service.pb.h"
#include "base/random.h"
#include "server/domain/changes.h"

namespace backup::server {

// Who asks for a change, and when. `random` gives ids of new runs; it is borrowed for as long as the decision lives.
struct ChangeContext {
  std::string actor;  // `users/{user}`.
  absl::Time now;
  Random* random;
};

// What a request would store: checked, with defaults, without etag, times and counts. Pure; for validate_only give the
// stored policy (nothing when there is none). POLICY_ALREADY_EXISTS, POLICY_NOT_FOUND, ETAG_MISMATCH, INVALID_FIELD.
absl::StatusOr<v1::Policy> PolicyToCreate(const std::optional<v1::Policy>& current,
                                          const v1::CreatePolicyRequest& request);
absl::StatusOr<v1::Policy> PolicyToUpdate(const std::optional<v1::Policy>& current,
                                          const v1::UpdatePolicyRequest& request);

// Decisions for Store::ChangePolicy; each also replans the future slots and writes the event (POLICY_CREATED, _UPDATED,
// _DELETED, _PAUSED, _RESUMED). One that changes nothing gives an empty change, so that update_time and etag stay.
// Slots that fell due by the old schedule while nothing planned get their rows first; ABORTED PLAN_INCOMPLETE while
// they are too many for one change: the scheduler is at them.
PolicyDecision CreatePolicyDecision(v1::CreatePolicyRequest request, ChangeContext context);
PolicyDecision UpdatePolicyDecision(v1::UpdatePolicyRequest request, ChangeContext context);
PolicyDecision DeletePolicyDecision(v1::DeletePolicyRequest request, ChangeContext context);
PolicyDecision PausePolicyDecision(std::string name, ChangeContext context);
PolicyDecision ResumePolicyDecision(std::string name, ChangeContext context);

// The same decision, which also leaves in `agents` the names of the agents whose set of runs it changes, sorted.
// `agents` outlives the decision; publish them once ChangePolicy has returned OK.
PolicyDecision RecordingAgents(PolicyDecision decide, std::vector<std::string>* agents);

}  // namespace backup::server
