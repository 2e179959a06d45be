// SPDX-License-Identifier: Apache-2.0
#include "tests/golden/fake_controller.h"

#include <utility>

#include "backup/v1/agent_service.grpc.pb.h"
#include "backup/v1/backup_service.grpc.pb.h"
#include "backup/v1/fleet_service.grpc.pb.h"
#include "backup/v1/policy_service.grpc.pb.h"
#include "backup/v1/report_service.grpc.pb.h"
#include "backup/v1/run_service.grpc.pb.h"
#include "base/errors.h"
#include "base/proto_json.h"
#include "base/resource_name.h"
#include "base/rpc/grpc_status.h"
#include "server/domain/backup_hold.h"
#include "server/domain/policy_changes.h"
#include "server/domain/slot_preview.h"
#include "tests/golden/fake_lists.h"

namespace backup::testing {

class FakeController::State {
 public:
  explicit State(FakeFleet f) : fleet(std::move(f)) {}

  // What every handler asks first.
  absl::Status Check(const std::string& method) const {
    MutexLock lock(mu);
    const auto it = failures.find(method);
    return it == failures.end() ? absl::OkStatus() : it->second;
  }

  mutable Mutex mu;
  CondVar released;
  FakeFleet fleet;  // Policies in it change, under `mu`; the rest is constant.
  std::map<std::string, absl::Status> failures ABSL_GUARDED_BY(mu);
  std::function<void()> on_watch_idle ABSL_GUARDED_BY(mu);
  std::vector<v1::CreateRunRequest> create_run_requests ABSL_GUARDED_BY(mu);
  bool release ABSL_GUARDED_BY(mu) = false;
};

class FakeController::Services final {
 public:
  explicit Services(State& state)
      : policies(state), runs(state), backups(state), reports(state), agents(state), fleet(state) {}

  struct Policies final : v1::PolicyService::Service {
    explicit Policies(State& s) : state(s) {}
    State& state;

    grpc::Status GetPolicy(grpc::ServerContext*, const v1::GetPolicyRequest* request, v1::Policy* response) override {
      if (absl::Status s = state.Check("GetPolicy"); !s.ok()) return ToGrpcStatus(s);
      MutexLock lock(state.mu);
      const v1::Policy* policy = FindByName(state.fleet.policies.mutable_policies(), request->name());
      if (policy == nullptr) return ToGrpcStatus(PolicyNotFound(request->name()));
      *response = *policy;
      return grpc::Status::OK;
    }
    grpc::Status ListPolicies(grpc::ServerContext*, const v1::ListPoliciesRequest* request,
                              v1::ListPoliciesResponse* response) override {
      if (absl::Status s = state.Check("ListPolicies"); !s.ok()) return ToGrpcStatus(s);
      MutexLock lock(state.mu);
      Page(*request, state.fleet.policies.policies(), response->mutable_next_page_token(),
           [&](const v1::Policy& policy) { *response->add_policies() = policy; });
      return grpc::Status::OK;
    }
    grpc::Status PreviewPolicy(grpc::ServerContext*, const v1::PreviewPolicyRequest* request,
                               v1::PreviewPolicyResponse* response) override {
      if (absl::Status s = state.Check("PreviewPolicy"); !s.ok()) return ToGrpcStatus(s);
      MutexLock lock(state.mu);
      const v1::Policy* policy = request->has_policy()
                                     ? &request->policy()
                                     : FindByName(state.fleet.policies.mutable_policies(), request->name());
      if (policy == nullptr) return ToGrpcStatus(PolicyNotFound(request->name()));
      response->set_paused(policy->spec().schedule().paused());
      const auto slots =
          server::PreviewSlots(policy->spec().schedule(), ToAbsl(request->from_time()), request->count());
      if (!slots.ok()) return ToGrpcStatus(slots.status());
      for (const server::PreviewedSlot& slot : *slots) {
        v1::PreviewedSlot& previewed = *response->add_slots();
        *previewed.mutable_slot_time() = ToProto(slot.slot_time);
        previewed.set_wall_clock(slot.local_time);
        previewed.set_note(slot.note);
      }
      return grpc::Status::OK;
    }
    grpc::Status UpdatePolicy(grpc::ServerContext*, const v1::UpdatePolicyRequest* request,
                              v1::Policy* response) override {
      if (absl::Status s = state.Check(request->validate_only() ? "ValidatePolicy" : "UpdatePolicy"); !s.ok()) {
        return ToGrpcStatus(s);
      }
      MutexLock lock(state.mu);
      v1::Policy* stored = FindByName(state.fleet.policies.mutable_policies(), request->policy().name());
      const absl::StatusOr<v1::Policy> policy = server::PolicyToUpdate(
          stored == nullptr ? std::optional<v1::Policy>() : std::optional<v1::Policy>(*stored), *request);
      if (!policy.ok()) return ToGrpcStatus(policy.status());
      *response = *policy;
      if (request->validate_only()) return grpc::Status::OK;
      if (stored == nullptr) stored = state.fleet.policies.add_policies();
      *stored = *policy;
      return grpc::Status::OK;
    }
    grpc::Status PlanPolicyChange(grpc::ServerContext*, const v1::PlanPolicyChangeRequest* request,
                                  v1::PolicyChangePlan* response) override {
      if (absl::Status s = state.Check("PlanPolicyChange"); !s.ok()) return ToGrpcStatus(s);
      MutexLock lock(state.mu);
      const v1::Policy* stored = FindByName(state.fleet.policies.mutable_policies(), request->policy().name());
      if (stored != nullptr && request->policy().spec().retention().keep_daily() > 0 &&
          request->policy().spec().retention().keep_daily() < stored->spec().retention().keep_daily()) {
        v1::DatabaseDeletion& deletion = *response->add_databases();
        deletion.set_database("agents/db1/databases/shop");
        deletion.set_delete_count(4);
        deletion.set_delete_bytes(3 << 20);
        deletion.add_frozen("more than half of the backups would go at once");
        response->set_delete_count(4);
        response->set_delete_bytes(3 << 20);
      }
      response->set_covered_count(state.fleet.CountCovered(request->policy().spec()));
      return grpc::Status::OK;
    }
    grpc::Status DeletePolicy(grpc::ServerContext*, const v1::DeletePolicyRequest* request,
                              google::protobuf::Empty*) override {
      if (absl::Status s = state.Check("DeletePolicy"); !s.ok()) return ToGrpcStatus(s);
      MutexLock lock(state.mu);
      auto* policies = state.fleet.policies.mutable_policies();
      for (int i = 0; i < policies->size(); ++i) {
        if (policies->Get(i).name() != request->name()) continue;
        policies->DeleteSubrange(i, 1);
        return grpc::Status::OK;
      }
      return ToGrpcStatus(PolicyNotFound(request->name()));
    }
    grpc::Status SetPaused(const std::string& name, bool paused, v1::Policy* response) {
      MutexLock lock(state.mu);
      v1::Policy* policy = FindByName(state.fleet.policies.mutable_policies(), name);
      if (policy == nullptr) return ToGrpcStatus(PolicyNotFound(name));
      policy->mutable_spec()->mutable_schedule()->set_paused(paused);
      *response = *policy;
      return grpc::Status::OK;
    }
    grpc::Status PausePolicy(grpc::ServerContext*, const v1::PausePolicyRequest* request,
                             v1::Policy* response) override {
      return SetPaused(request->name(), true, response);
    }
    grpc::Status ResumePolicy(grpc::ServerContext*, const v1::ResumePolicyRequest* request,
                              v1::Policy* response) override {
      return SetPaused(request->name(), false, response);
    }
  };

  struct Runs final : v1::RunService::Service {
    explicit Runs(State& s) : state(s) {}
    State& state;

    grpc::Status GetRun(grpc::ServerContext*, const v1::GetRunRequest* request, v1::Run* response) override {
      if (absl::Status s = state.Check("GetRun"); !s.ok()) return ToGrpcStatus(s);
      const v1::Run* run = FindByName(state.fleet.runs.mutable_runs(), request->name());
      if (run == nullptr) return ToGrpcStatus(RunNotFound(request->name()));
      *response = *run;
      return grpc::Status::OK;
    }
    grpc::Status ListRuns(grpc::ServerContext*, const v1::ListRunsRequest* request,
                          v1::ListRunsResponse* response) override {
      if (absl::Status s = state.Check("ListRuns"); !s.ok()) return ToGrpcStatus(s);
      const v1::RunFilter& filter = request->filter();
      std::vector<v1::Run> runs;
      for (const v1::Run& run : state.fleet.runs.runs()) {
        if ((filter.policy().empty() || filter.policy() == run.policy()) && IsOf(filter.agent(), run.database()) &&
            (filter.database().empty() || filter.database() == run.database()) &&
            IsAny(filter.states(), static_cast<int>(run.state())) &&
            IsAny(filter.kinds(), static_cast<int>(run.kind()))) {
          runs.push_back(run);
        }
      }
      std::stable_sort(runs.begin(), runs.end(), [request](const v1::Run& a, const v1::Run& b) {
        const absl::Time of_a = ToAbsl(a.slot_time());
        const absl::Time of_b = ToAbsl(b.slot_time());
        return request->oldest_first() ? of_a < of_b : of_a > of_b;
      });
      Page(*request, runs, response->mutable_next_page_token(),
           [&](const v1::Run& run) { *response->add_runs() = run; });
      return grpc::Status::OK;
    }
    grpc::Status CreateRun(grpc::ServerContext*, const v1::CreateRunRequest* request, v1::Run* response) override {
      if (absl::Status s = state.Check("CreateRun"); !s.ok()) return ToGrpcStatus(s);
      MutexLock lock(state.mu);
      state.create_run_requests.push_back(*request);
      for (const v1::Run& run : state.fleet.created.runs()) {
        const bool same = request->run().backup().empty() ? run.database() == request->run().database()
                                                          : run.backup() == request->run().backup();
        if (!same || run.kind() != request->run().kind()) continue;
        *response = run;
        return grpc::Status::OK;
      }
      return ToGrpcStatus(request->run().backup().empty() ? DatabaseNotFound(request->run().database())
                                                          : BackupNotFound(request->run().backup()));
    }
    grpc::Status CancelRun(grpc::ServerContext*, const v1::CancelRunRequest* request, v1::Run* response) override {
      if (absl::Status s = state.Check("CancelRun"); !s.ok()) return ToGrpcStatus(s);
      const v1::Run* run = FindByName(state.fleet.runs.mutable_runs(), request->name());
      if (run == nullptr) return ToGrpcStatus(RunNotFound(request->name()));
      if (run->has_end_time()) return ToGrpcStatus(RunAlreadyEnded(request->name(), v1::RunState_Name(run->state())));
      *response = *run;
      response->set_cancel_requested(true);
      if (run->state() == v1::SCHEDULED) response->set_state(v1::CANCELLED);
      return grpc::Status::OK;
    }
    grpc::Status WatchRun(grpc::ServerContext*, const v1::WatchRunRequest* request,
                          grpc::ServerWriter<v1::WatchRunResponse>* writer) override {
      if (absl::Status s = state.Check("WatchRun"); !s.ok()) return ToGrpcStatus(s);
      const auto script = state.fleet.watch.find(request->name());
      if (script == state.fleet.watch.end()) return ToGrpcStatus(RunNotFound(request->name()));
      bool ended = false;
      for (v1::WatchRunResponse response : script->second) {
        if (request->log_offset() < 0) response.clear_log_lines();
        writer->Write(response);
        ended = response.run().has_end_time();
      }
      if (ended) return grpc::Status::OK;
      std::function<void()> idle;
      {
        MutexLock lock(state.mu);
        idle = state.on_watch_idle;
      }
      if (idle) idle();
      MutexLock lock(state.mu);
      while (!state.release) state.released.Wait(state.mu);
      return grpc::Status::OK;
    }
    grpc::Status ListRunLogLines(grpc::ServerContext*, const v1::ListRunLogLinesRequest* request,
                                 v1::ListRunLogLinesResponse* response) override {
      if (absl::Status s = state.Check("ListRunLogLines"); !s.ok()) return ToGrpcStatus(s);
      const int limit = request->page_size() == 0 ? 1000 : request->page_size();
      for (const v1::RunLogLine& line : state.fleet.log.lines()) {
        if (line.offset() >= request->offset() && response->lines_size() < limit) *response->add_lines() = line;
      }
      return grpc::Status::OK;
    }
  };

  struct Backups final : v1::BackupService::Service {
    explicit Backups(State& s) : state(s) {}
    State& state;

    grpc::Status GetBackup(grpc::ServerContext*, const v1::GetBackupRequest* request, v1::Backup* response) override {
      if (absl::Status s = state.Check("GetBackup"); !s.ok()) return ToGrpcStatus(s);
      const v1::Backup* backup = FindByName(state.fleet.backups.mutable_backups(), request->name());
      if (backup == nullptr) return ToGrpcStatus(BackupNotFound(request->name()));
      *response = *backup;
      return grpc::Status::OK;
    }
    grpc::Status ListBackups(grpc::ServerContext*, const v1::ListBackupsRequest* request,
                             v1::ListBackupsResponse* response) override {
      if (absl::Status s = state.Check("ListBackups"); !s.ok()) return ToGrpcStatus(s);
      const v1::BackupFilter& filter = request->filter();
      std::vector<v1::Backup> backups;
      for (const v1::Backup& backup : state.fleet.backups.backups()) {
        if ((filter.policy().empty() || filter.policy() == backup.policy()) &&
            IsOf(filter.agent(), backup.database()) &&
            (filter.database().empty() || filter.database() == backup.database()) &&
            IsAny(filter.states(), static_cast<int>(backup.state()))) {
          backups.push_back(backup);
          backups.back().clear_manifest();
        }
      }
      Page(*request, backups, response->mutable_next_page_token(),
           [&](const v1::Backup& backup) { *response->add_backups() = backup; });
      return grpc::Status::OK;
    }
    grpc::Status HoldBackup(grpc::ServerContext*, const v1::HoldBackupRequest* request, v1::Backup* response) override {
      if (absl::Status s = state.Check("HoldBackup"); !s.ok()) return ToGrpcStatus(s);
      const v1::Backup* backup = FindByName(state.fleet.backups.mutable_backups(), request->name());
      if (backup == nullptr) return ToGrpcStatus(BackupNotFound(request->name()));
      const auto hold = server::MakeHold(*request, "users/alice", absl::UnixEpoch());
      if (!hold.ok()) return ToGrpcStatus(hold.status());
      *response = *backup;
      response->clear_manifest();
      *response->mutable_hold() = *hold;
      return grpc::Status::OK;
    }
    grpc::Status ReleaseBackup(grpc::ServerContext*, const v1::ReleaseBackupRequest* request,
                               v1::Backup* response) override {
      if (absl::Status s = state.Check("ReleaseBackup"); !s.ok()) return ToGrpcStatus(s);
      const v1::Backup* backup = FindByName(state.fleet.backups.mutable_backups(), request->name());
      if (backup == nullptr) return ToGrpcStatus(BackupNotFound(request->name()));
      *response = *backup;
      response->clear_manifest();
      return grpc::Status::OK;
    }
    grpc::Status ApplyRetention(grpc::ServerContext*, const v1::ApplyRetentionRequest* request,
                                v1::AppliedRetention* response) override {
      if (absl::Status s = state.Check("ApplyRetention"); !s.ok()) return ToGrpcStatus(s);
      const v1::RetentionPlan& plan = state.fleet.retention;
      response->set_database(request->database());
      if (plan.database() != request->database()) return grpc::Status::OK;
      const bool frozen = std::any_of(plan.policies().begin(), plan.policies().end(),
                                      [](const v1::PolicyRetention& policy) { return !policy.frozen().empty(); });
      if (frozen && !request->confirm() && !request->validate_only()) {
        return ToGrpcStatus(
            MakeError(absl::StatusCode::kFailedPrecondition, "RETENTION_FROZEN",
                      "nothing was deleted; 1 backups would go, but the last backup run brought no backup",
                      "look at backupctl retention plan; to delete them nevertheless, confirm it"));
      }
      *response->mutable_policies() = plan.policies();
      for (int i = 0; i < plan.decisions_size() && !request->validate_only(); ++i) {
        if (!plan.decisions(i).keep()) response->add_delete_runs(absl::StrCat("runs/delete", i));
      }
      return grpc::Status::OK;
    }
    grpc::Status DeleteBackup(grpc::ServerContext*, const v1::DeleteBackupRequest* request,
                              v1::Run* response) override {
      if (absl::Status s = state.Check("DeleteBackup"); !s.ok()) return ToGrpcStatus(s);
      const v1::Backup* backup = FindByName(state.fleet.backups.mutable_backups(), request->name());
      if (backup == nullptr) return ToGrpcStatus(BackupNotFound(request->name()));
      response->set_name("runs/delete1");
      response->set_kind(v1::DELETE);
      response->set_state(v1::PENDING);
      response->set_database(backup->database());
      response->set_backup(backup->name());
      return grpc::Status::OK;
    }
    grpc::Status PlanRetention(grpc::ServerContext*, const v1::PlanRetentionRequest* request,
                               v1::RetentionPlan* response) override {
      if (absl::Status s = state.Check("PlanRetention"); !s.ok()) return ToGrpcStatus(s);
      if (state.fleet.retention.database() == request->database()) {
        *response = state.fleet.retention;
      }
      response->set_database(request->database());
      return grpc::Status::OK;
    }
    grpc::Status SimulateRetention(grpc::ServerContext*, const v1::SimulateRetentionRequest* request,
                                   v1::RetentionSimulation* response) override {
      if (absl::Status s = state.Check("SimulateRetention"); !s.ok()) return ToGrpcStatus(s);
      if (state.fleet.simulation.database() != request->database()) {
        return ToGrpcStatus(PolicyNotFound(request->policy()));
      }
      *response = state.fleet.simulation;
      response->set_as_given(request->has_as_policy());
      if (request->has_as_policy()) response->set_policy(request->as_policy().name());
      *response->mutable_end_time() = ToProto(ToAbsl(response->start_time()) + absl::Hours(24 * request->day_count()));
      return grpc::Status::OK;
    }
    grpc::Status GetBackupOutlook(grpc::ServerContext*, const v1::GetBackupOutlookRequest* request,
                                  v1::BackupOutlook* response) override {
      if (absl::Status s = state.Check("GetBackupOutlook"); !s.ok()) return ToGrpcStatus(s);
      const auto outlook = state.fleet.outlooks.find(request->name());
      if (outlook == state.fleet.outlooks.end()) return grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "");
      *response = outlook->second;
      return grpc::Status::OK;
    }
  };

  struct Reports final : v1::ReportService::Service {
    explicit Reports(State& s) : state(s) {}
    State& state;

    grpc::Status GetReport(grpc::ServerContext*, const v1::GetReportRequest* request, v1::Report* response) override {
      if (absl::Status s = state.Check("GetReport"); !s.ok()) return ToGrpcStatus(s);
      const v1::Report& report = state.fleet.report;
      *response->mutable_time() = report.time();
      *response->mutable_since_time() = request->has_since_time() ? request->since_time() : report.since_time();
      *response->mutable_until_time() = request->has_until_time() ? request->until_time() : report.until_time();
      std::vector<v1::DatabaseReport> databases;
      for (const v1::DatabaseReport& database : report.databases()) {
        if (request->database().empty() || request->database() == database.database()) databases.push_back(database);
      }
      Page(*request, databases, response->mutable_next_page_token(),
           [&](const v1::DatabaseReport& database) { *response->add_databases() = database; });
      return grpc::Status::OK;
    }
  };

  struct Agents final : v1::AgentService::Service {
    explicit Agents(State& s) : state(s) {}
    State& state;

    grpc::Status GetAgent(grpc::ServerContext*, const v1::GetAgentRequest* request, v1::Agent* response) override {
      if (absl::Status s = state.Check("GetAgent"); !s.ok()) return ToGrpcStatus(s);
      const v1::Agent* agent = FindByName(state.fleet.agents.mutable_agents(), request->name());
      if (agent == nullptr) return ToGrpcStatus(AgentNotFound(request->name()));
      *response = *agent;
      return grpc::Status::OK;
    }
    grpc::Status ListAgents(grpc::ServerContext*, const v1::ListAgentsRequest* request,
                            v1::ListAgentsResponse* response) override {
      if (absl::Status s = state.Check("ListAgents"); !s.ok()) return ToGrpcStatus(s);
      Page(*request, state.fleet.agents.agents(), response->mutable_next_page_token(),
           [&](const v1::Agent& agent) { *response->add_agents() = agent; });
      return grpc::Status::OK;
    }
    grpc::Status GetDatabase(grpc::ServerContext*, const v1::GetDatabaseRequest* request,
                             v1::Database* response) override {
      const v1::Database* database = FindByName(state.fleet.databases.mutable_databases(), request->name());
      if (database == nullptr) return ToGrpcStatus(DatabaseNotFound(request->name()));
      *response = *database;
      return grpc::Status::OK;
    }
    grpc::Status ListDatabases(grpc::ServerContext*, const v1::ListDatabasesRequest* request,
                               v1::ListDatabasesResponse* response) override {
      if (absl::Status s = state.Check("ListDatabases"); !s.ok()) return ToGrpcStatus(s);
      std::vector<v1::Database> databases;
      for (const v1::Database& database : state.fleet.databases.databases()) {
        if (IsOf(request->parent(), database.name())) databases.push_back(database);
      }
      Page(*request, databases, response->mutable_next_page_token(),
           [&](const v1::Database& database) { *response->add_databases() = database; });
      return grpc::Status::OK;
    }
    grpc::Status CreateEnrollmentToken(grpc::ServerContext*, const v1::CreateEnrollmentTokenRequest* request,
                                       v1::EnrollmentToken* response) override {
      if (!IsValidId(request->agent_id())) return ToGrpcStatus(InvalidField("agent_id", "is no id"));
      response->set_token("dG9rZW4gb2YgYSB0ZXN0");
      response->set_agent(MakeAgentName(request->agent_id()));
      *response->mutable_expire_time() =
          ToProto(absl::FromUnixSeconds(1795507200) + (request->has_ttl() ? ToAbsl(request->ttl()) : absl::Hours(1)));
      return grpc::Status::OK;
    }
  };

  struct Fleet final : v1::FleetService::Service {
    explicit Fleet(State& s) : state(s) {}
    State& state;

    grpc::Status GetFleetStatus(grpc::ServerContext*, const v1::GetFleetStatusRequest*,
                                v1::FleetStatus* response) override {
      if (absl::Status s = state.Check("GetFleetStatus"); !s.ok()) return ToGrpcStatus(s);
      *response = state.fleet.status;
      return grpc::Status::OK;
    }
    grpc::Status GetController(grpc::ServerContext*, const v1::GetControllerRequest*,
                               v1::Controller* response) override {
      if (absl::Status s = state.Check("GetController"); !s.ok()) return ToGrpcStatus(s);
      *response = state.fleet.controller;
      return grpc::Status::OK;
    }
    grpc::Status ListEvents(grpc::ServerContext*, const v1::ListEventsRequest* request,
                            v1::ListEventsResponse* response) override {
      if (absl::Status s = state.Check("ListEvents"); !s.ok()) return ToGrpcStatus(s);
      std::vector<v1::Event> events;
      for (const v1::Event& event : state.fleet.events.events()) {
        if (request->subject().empty() || event.subject() == request->subject()) events.push_back(event);
      }
      Page(*request, events, response->mutable_next_page_token(),
           [&](const v1::Event& event) { *response->add_events() = event; });
      return grpc::Status::OK;
    }
  };

  Policies policies;
  Runs runs;
  Backups backups;
  Reports reports;
  Agents agents;
  Fleet fleet;
};

FakeController::FakeController(FakeFleet fleet)
    : state_(std::make_unique<State>(std::move(fleet))), services_(std::make_unique<Services>(*state_)) {
  grpc::ServerBuilder builder;
  builder.RegisterService(&services_->policies);
  builder.RegisterService(&services_->runs);
  builder.RegisterService(&services_->backups);
  builder.RegisterService(&services_->reports);
  builder.RegisterService(&services_->agents);
  builder.RegisterService(&services_->fleet);
  server_ = builder.BuildAndStart();
}

FakeController::~FakeController() {
  {
    MutexLock lock(state_->mu);
    state_->release = true;
    state_->released.NotifyAll();
  }
  server_->Shutdown();
  server_->Wait();
}

std::shared_ptr<grpc::Channel> FakeController::Channel() { return server_->InProcessChannel(grpc::ChannelArguments()); }

void FakeController::Fail(const std::string& method, const absl::Status& status) {
  MutexLock lock(state_->mu);
  state_->failures[method] = status;
}

void FakeController::OnWatchIdle(std::function<void()> callback) {
  MutexLock lock(state_->mu);
  state_->on_watch_idle = std::move(callback);
}

std::vector<v1::CreateRunRequest> FakeController::create_run_requests() const {
  MutexLock lock(state_->mu);
  return state_->create_run_requests;
}

}  // namespace backup::testing
