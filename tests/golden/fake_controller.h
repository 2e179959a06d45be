// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "backup/v1/agent_service.pb.h"
#include "backup/v1/backup_service.pb.h"
#include "backup/v1/fleet_service.pb.h"
#include "backup/v1/policy_service.pb.h"
#include "backup/v1/report_service.pb.h"
#include "backup/v1/run_service.pb.h"
#include "base/mutex.h"

namespace backup::testing {

// What a FakeController answers. Read from a folder of text protos, each of which may be missing.
struct FakeFleet {
  v1::ListPoliciesResponse policies;    // policies.txtpb
  v1::ListAgentsResponse agents;        // agents.txtpb
  v1::ListDatabasesResponse databases;  // databases.txtpb
  v1::ListRunsResponse runs;            // runs.txtpb
  v1::ListBackupsResponse backups;      // backups.txtpb, with manifests
  v1::RetentionPlan retention;          // retention.txtpb, of the one database that it names
  v1::RetentionSimulation simulation;   // simulation.txtpb, of the one database that it names
  v1::Report report;                    // report.txtpb; spans that are asked for stand in for its own
  v1::FleetStatus status;               // status.txtpb
  v1::Controller controller;            // controller.txtpb
  v1::ListEventsResponse events;        // events.txtpb
  v1::ListRunLogLinesResponse log;      // log.txtpb: of every run
  v1::ListRunsResponse created;         // created.txtpb: what CreateRun gives for the same kind and subject
  std::map<std::string, std::vector<v1::WatchRunResponse>> watch;  // watch_RUN.txtpb, parted by lines of "---"
  std::map<std::string, v1::BackupOutlook> outlooks;               // outlook_BACKUP.txtpb; others are not implemented

  static FakeFleet Read(const std::string& directory);
  // Of its databases.
  int64_t CountCovered(const v1::PolicySpec& spec) const;
};

// The controller's services over canned answers, in this process. Policies are real: they are checked and completed by
// the controller's own rules, and kept in memory. A watched run whose script does not end it is held until the
// controller is destroyed.
class FakeController {
 public:
  explicit FakeController(FakeFleet fleet);
  ~FakeController();

  // A channel to it.
  std::shared_ptr<grpc::Channel> Channel();

  // Every call of the method ("GetPolicy") fails with this from now on.
  void Fail(const std::string& method, const absl::Status& status);
  // Called by WatchRun when it has told all that it has and the run has not ended.
  void OnWatchIdle(std::function<void()> callback);
  // As they were asked for, in order.
  std::vector<v1::CreateRunRequest> create_run_requests() const;

 private:
  class State;
  class Services;
  std::unique_ptr<State> state_;
  std::unique_ptr<Services> services_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace backup::testing
