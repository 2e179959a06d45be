// SPDX-License-Identifier: Apache-2.0
#include "server/api/sync.h"

#include <grpcpp/alarm.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/proto_json.h"
#include "base/resource_name.h"
#include "base/rpc/grpc_status.h"
#include "base/rpc/tls.h"
#include "base/status_macros.h"
#include "server/api/agent_input.h"
#include "server/api/api_errors.h"
#include "server/api/call_log.h"
#include "server/api/report.h"
#include "server/domain/desired_set.h"
#include "server/domain/run_disowned.h"
#include "server/domain/run_state.h"

namespace backup::server {
namespace {

// How far ahead agents hold their runs.
constexpr absl::Duration kAgentHorizon = absl::Hours(24);
// The answer leaves this long before the caller's deadline.
constexpr absl::Duration kAnswerTime = absl::Seconds(2);

class SyncCall final : public grpc::ServerUnaryReactor, public ParkedCall {
 public:
  // Borrows all but `peer` until OnDone.
  SyncCall(const ApiContext& api, Peer peer, const v1::SyncRequest& request, v1::SyncResponse& response)
      : ParkedCall(api.pool, api.parked_calls),
        api_(api),
        peer_(std::move(peer)),
        agent_(MakeAgentName(peer_.id)),
        start_(api.clock.Monotonic()),
        request_(request),
        response_(response) {}

  // Parks for at most `max_wait` of real time.
  void Start(absl::Duration max_wait) {
    Park(api_.feed, agent_, [this] { changed_ = true; });
    // The alarm outlives the call when it fires at the wrong moment, hence the weak reference.
    alarm_.Set(absl::ToChronoTime(absl::Now() + max_wait), [weak = weak_from_this()](bool) {
      if (const std::shared_ptr<ParkedCall> call = weak.lock()) {
        static_cast<SyncCall*>(call.get())->OnTimeOut();
      }
    });
  }

  void OnCancel() override { End(CallCancelled()); }
  void OnDone() override { Release(); }

 private:
  void OnTimeOut() {
    timed_out_ = true;
    Wake();
  }

  void Step() override {
    const absl::StatusOr<bool> answered = Answer();
    if (!answered.ok()) {
      End(answered.status());
    } else if (*answered) {
      End(absl::OkStatus());
    }
  }

  void FinishRpc(const grpc::Status& status) override {
    LogCall(*v1::SyncRequest::descriptor(), peer_, api_.clock.Monotonic() - start_, FromGrpcStatus(status));
    Finish(status);
  }

  // True when the response is ready.
  absl::StatusOr<bool> Answer() {
    const bool timed_out = timed_out_;
    if (!recorded_) {
      RETURN_IF_ERROR(Record());
      recorded_ = true;
      changed_ = true;
    }
    if (changed_.exchange(false)) {
      RETURN_IF_ERROR(ReadDesiredSet());
    }
    if (response_.revision() == request_.known_revision() && !timed_out) {
      return false;
    }
    RETURN_IF_ERROR(api_.store.MarkDelivered(undelivered_));
    *response_.mutable_time() = ToProto(api_.clock.Now());
    return true;
  }

  absl::Status Record() {
    const absl::StatusOr<AgentReport> report = CleanAgentReport(peer_, request_, api_.clock.Now());
    if (absl::IsPermissionDenied(report.status())) {
      return api_.refusals.Refuse(peer_, "speak for databases of", "other agents");
    }
    RETURN_IF_ERROR(report.status());
    ASSIGN_OR_RETURN(const RecordedReport recorded, api_.store.RecordAgentReport(*report));
    if (recorded.databases_changed) {
      api_.replan();
    }
    for (const v1::AttemptProgress& attempt : request_.attempts()) {
      const absl::Status status = RecordProgress(api_, peer_, attempt).status();
      if (absl::IsUnavailable(status)) {
        return status;
      }
      if (!status.ok()) {
        refused_attempts_.push_back(attempt.attempt().run());
      }
    }
    return recorded.recorded && request_.has_unfinished() ? MissDisowned() : absl::OkStatus();
  }

  // Runs that never reached the agent are not waited for any longer.
  absl::Status MissDisowned() {
    const absl::Time now = api_.clock.Now();
    ASSIGN_OR_RETURN(const std::vector<std::string> runs, api_.store.ListUnstartedRuns(agent_, now));
    const auto& told = request_.unfinished().runs();
    const std::set<std::string> unfinished(told.begin(), told.end());
    for (const std::string& run : runs) {
      if (unfinished.contains(run)) {
        continue;
      }
      const absl::Status status =
          api_.store.ChangeRun(run, [&](const RunView& view) { return DisownRun(view, unfinished, now); }).status();
      if (absl::IsUnavailable(status)) {
        return status;
      }
      // One that cannot be read, or is gone meanwhile, must not keep the agent from its other runs.
      if (!status.ok()) {
        LogWarning("cannot say what became of a run", {{"run", run}, {"error", status}});
        continue;
      }
      api_.feed.Publish(run);
    }
    return absl::OkStatus();
  }

  absl::Status ReadDesiredSet() {
    const absl::Time now = api_.clock.Now();
    ASSIGN_OR_RETURN(std::vector<v1::Run> runs, api_.store.ListOpenRuns(agent_, now + kAgentHorizon));
    response_ = BuildDesiredSet(runs, refused_attempts_, api_.settings.tells_only_due_runs);
    *response_.mutable_lease_duration() = ToProto(api_.settings.lease_duration);
    *response_.mutable_progress_interval() = ToProto(api_.settings.progress_interval);
    std::set<std::string> told;
    for (const v1::DesiredRun& run : response_.runs()) {
      told.insert(run.run());
    }
    undelivered_.clear();
    for (v1::Run& run : runs) {
      if (!run.delivered() && told.contains(run.name())) {
        undelivered_.push_back(std::move(run));
      }
    }
    return absl::OkStatus();
  }

  const ApiContext& api_;
  const Peer peer_;
  const std::string agent_;
  const absl::Duration start_;
  const v1::SyncRequest& request_;
  grpc::Alarm alarm_;

  std::atomic<bool> changed_ = false;
  std::atomic<bool> timed_out_ = false;

  // Used by steps only, which never overlap.
  v1::SyncResponse& response_;
  bool recorded_ = false;
  std::vector<std::string> refused_attempts_;
  std::vector<v1::Run> undelivered_;  // Those of response_ that the agent does not hold yet.
};

absl::Duration MaxWait(const ApiContext& api, const grpc::CallbackServerContext& context,
                       const v1::SyncRequest& request) {
  absl::Duration wait = api.settings.max_sync_wait;
  if (request.has_max_wait()) {
    wait = std::min(wait, ToAbsl(request.max_wait()));
  }
  wait = std::min(wait, absl::FromChrono(context.deadline()) - absl::Now() - kAnswerTime);
  return std::max(wait, absl::ZeroDuration());
}

}  // namespace

grpc::ServerUnaryReactor* StartSync(const ApiContext& api, grpc::CallbackServerContext* context,
                                    const v1::SyncRequest& request, v1::SyncResponse& response) {
  Peer peer = PeerOf(context->auth_context().get());
  if (const absl::Status status = api.authorizer.Authorize(peer, *v1::SyncRequest::descriptor()); !status.ok()) {
    LogCall(*v1::SyncRequest::descriptor(), peer, absl::ZeroDuration(), status);
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(ToGrpcStatus(status));
    return reactor;
  }
  const auto call = std::make_shared<SyncCall>(api, std::move(peer), request, response);
  call->Start(MaxWait(api, *context, request));
  return call.get();  // Holds itself until OnDone.
}

}  // namespace backup::server
