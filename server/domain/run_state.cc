// SPDX-License-Identifier: Apache-2.0
#include "server/domain/run_state.h"

#include "base/proto_json.h"
#include "base/resource_name.h"

namespace backup::server {

bool IsTerminal(v1::RunState state) {
  return state != v1::RUN_STATE_UNSPECIFIED && !IsOpen(state) && v1::RunState_IsValid(state);
}

bool IsOpen(v1::RunState state) { return state == v1::SCHEDULED || state == v1::PENDING || state == v1::RUNNING; }

std::string AgentOf(const v1::Run& run) {
  const absl::StatusOr<DatabaseId> id = ParseDatabaseName(run.database());
  return id.ok() ? MakeAgentName(id->agent) : "";
}

v1::Event MakeEvent(absl::Time now, absl::string_view actor, absl::string_view subject, absl::string_view type,
                    absl::string_view message) {
  v1::Event event;
  *event.mutable_time() = ToProto(now);
  event.set_actor(std::string(actor));
  event.set_subject(std::string(subject));
  event.set_type(std::string(type));
  event.set_message(std::string(message));
  return event;
}

}  // namespace backup::server
