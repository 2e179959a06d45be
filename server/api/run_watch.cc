// SPDX-License-Identifier: Apache-2.0
#include "server/api/run_watch.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/errors.h"
#include "base/resource_name.h"
#include "base/rpc/grpc_status.h"
#include "base/rpc/tls.h"
#include "base/status_macros.h"
#include "server/api/api_errors.h"
#include "server/api/call_log.h"
#include "server/domain/run_state.h"

namespace backup::server {
namespace {

constexpr int kMaxLinesPerAnswer = 200;

class RunWatch final : public grpc::ServerWriteReactor<v1::WatchRunResponse>, public ParkedCall {
 public:
  RunWatch(const ApiContext& api, Peer peer, const v1::WatchRunRequest& request)
      : ParkedCall(api.pool, api.parked_calls),
        api_(api),
        peer_(std::move(peer)),
        start_(api.clock.Monotonic()),
        name_(request.name()),
        next_offset_(request.log_offset()) {}

  void Start() {
    Park(api_.feed, name_, [] {});
  }

  void OnWriteDone(bool ok) override {
    if (!ok) {
      End(CallCancelled());
    } else {
      Wake();  // What changed meanwhile goes out next.
    }
    EndWrite();
  }
  void OnCancel() override { End(CallCancelled()); }
  void OnDone() override { Release(); }

 private:
  void Step() override {
    if (const absl::Status status = TellWhatIsNew(); !status.ok()) {
      End(status);
    }
  }

  void FinishRpc(const grpc::Status& status) override {
    LogCall(*v1::WatchRunRequest::descriptor(), peer_, api_.clock.Monotonic() - start_, FromGrpcStatus(status));
    Finish(status);
  }

  absl::Status TellWhatIsNew() {
    // The run is read before its log: when it has ended, the log that is read after it is complete.
    ASSIGN_OR_RETURN(v1::Run run, api_.store.GetRun(name_));
    std::vector<v1::RunLogLine> lines;
    if (next_offset_ >= 0) {
      ASSIGN_OR_RETURN(lines, api_.store.ListRunLog(name_, next_offset_, kMaxLinesPerAnswer));
    }
    std::string fingerprint = run.SerializeAsString();
    if (lines.empty() && fingerprint == told_) {
      if (IsTerminal(run.state())) {
        End(absl::OkStatus());
      }
      return absl::OkStatus();
    }
    told_ = std::move(fingerprint);
    if (!lines.empty()) {
      next_offset_ = lines.back().offset() + 1;
    }
    response_.Clear();
    *response_.mutable_run() = std::move(run);
    response_.mutable_log_lines()->Assign(lines.begin(), lines.end());
    BeginWrite();
    StartWrite(&response_);
    return absl::OkStatus();
  }

  const ApiContext& api_;
  const Peer peer_;
  const absl::Duration start_;
  const std::string name_;
  // Used by steps only, which never overlap.
  int64_t next_offset_;
  std::string told_;  // The run as last told, serialized.
  v1::WatchRunResponse response_;
};

// Ends a call before it began.
class RefusedWatch final : public grpc::ServerWriteReactor<v1::WatchRunResponse> {
 public:
  explicit RefusedWatch(const absl::Status& status) { Finish(ToGrpcStatus(status)); }
  void OnDone() override { delete this; }
};

absl::Status Admit(const ApiContext& api, const Peer& peer, const v1::WatchRunRequest& request) {
  RETURN_IF_ERROR(api.authorizer.Authorize(peer, *v1::WatchRunRequest::descriptor()));
  RETURN_IF_ERROR(ParseRunName(request.name()).status());
  if (request.log_offset() < -1) {
    return InvalidField("log_offset", "it is below -1", "lines are counted from 0; -1 asks for none");
  }
  return absl::OkStatus();
}

}  // namespace

grpc::ServerWriteReactor<v1::WatchRunResponse>* StartRunWatch(const ApiContext& api,
                                                              grpc::CallbackServerContext* context,
                                                              const v1::WatchRunRequest& request) {
  const Peer peer = PeerOf(context->auth_context().get());
  if (const absl::Status status = Admit(api, peer, request); !status.ok()) {
    LogCall(*v1::WatchRunRequest::descriptor(), peer, absl::ZeroDuration(), status);
    return new RefusedWatch(status);
  }
  const auto watch = std::make_shared<RunWatch>(api, peer, request);
  watch->Start();
  return watch.get();  // Holds itself until OnDone.
}

}  // namespace backup::server
