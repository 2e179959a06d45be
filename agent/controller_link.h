// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "backup/v1/agent_control_service.pb.h"
#include "base/cancellation.h"

namespace backup::agent {

// The calls of AgentControlService that a running agent makes (proto/backup/v1/agent_control_service.proto), as the
// loops see them: each blocks until the answer, at most for `timeout`, and ends early with CANCELLED when
// `cancellation` says so. UNAVAILABLE and DEADLINE_EXCEEDED mean that nobody knows whether the controller heard it;
// other errors are the controller's own, with its reason.
//
// All implementations are safe for concurrent use.
class ControllerLink {
 public:
  virtual ~ControllerLink() = default;

  virtual absl::StatusOr<v1::SyncResponse> Sync(const v1::SyncRequest& request, absl::Duration timeout,
                                                Cancellation& cancellation) = 0;
  virtual absl::StatusOr<v1::ReportProgressResponse> ReportProgress(const v1::ReportProgressRequest& request,
                                                                    absl::Duration timeout,
                                                                    Cancellation& cancellation) = 0;
  virtual absl::StatusOr<v1::CompleteRunResponse> CompleteRun(const v1::CompleteRunRequest& request,
                                                              absl::Duration timeout, Cancellation& cancellation) = 0;
  virtual absl::StatusOr<v1::UploadRunLogResponse> UploadRunLog(const v1::UploadRunLogRequest& request,
                                                                absl::Duration timeout, Cancellation& cancellation) = 0;
};

// Whether `error` says that the controller did not get to the call, or could not do it now: worth repeating later, and
// no use to try another call before that.
inline bool IsControllerAway(const absl::Status& error) {
  switch (error.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kCancelled:
      return true;
    default:
      return false;
  }
}

}  // namespace backup::agent
