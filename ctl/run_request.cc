// SPDX-License-Identifier: Apache-2.0
#include "ctl/run_request.h"

#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/proto_json.h"
#include "base/resource_name.h"
#include "base/units.h"
#include "ctl/run_view.h"
#include "ctl/short_name.h"

namespace backup::ctl {
namespace {

// A random UUID (RFC 4122, version 4).
std::string MakeUuid(Random& random) {
  std::string bytes = RandomBytes(random, 16);
  bytes[6] = static_cast<char>((bytes[6] & 0x0F) | 0x40);
  bytes[8] = static_cast<char>((bytes[8] & 0x3F) | 0x80);
  std::string uuid = absl::BytesToHexString(bytes);
  for (const size_t at : {20, 16, 12, 8}) uuid.insert(at, 1, '-');
  return uuid;
}

}  // namespace

absl::StatusOr<v1::Run> AskForRun(Session& session, Client& client, const v1::Run& wanted) {
  v1::CreateRunRequest request;
  *request.mutable_run() = wanted;
  request.set_request_id(MakeUuid(session.environment().random));
  return client.Call(&v1::RunService::Stub::CreateRun, request);
}

void TellIfAgentIsAway(Session& session, Client& client, const v1::Run& run) {
  const absl::StatusOr<DatabaseId> id = ParseDatabaseName(run.database());
  if (!id.ok() || HasEnded(run.state())) return;
  v1::GetAgentRequest request;
  request.set_name(MakeAgentName(id->agent));
  const absl::StatusOr<v1::Agent> agent = client.Call(&v1::AgentService::Stub::GetAgent, request);
  if (!agent.ok() || agent->state() == v1::ONLINE) return;
  const std::string seen =
      agent->has_last_seen_time()
          ? absl::StrCat("was last heard of ", FormatRelative(ToAbsl(agent->last_seen_time()), session.now()))
          : "was never heard of";
  session.Say(absl::StrCat("agent ", id->agent, " ", seen, "; run ", ShortName(run.name()), " starts when it is back"));
}

void ShowAskedRuns(Session& session, const std::vector<v1::Run>& runs) {
  if (runs.size() == 1 && !session.output().for_people()) {
    session.output().Single(runs[0], nullptr);
  } else {
    session.output().List("runs", Pointers(runs), [&] { return RunTable(runs, session.now()); });
  }
  if (session.output().for_people() && !HasEnded(runs[0].state())) {
    session.Say(absl::StrCat("follow it with: backupctl run watch ", ShortName(runs[0].name())));
  }
}

}  // namespace backup::ctl
