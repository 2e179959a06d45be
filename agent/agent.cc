// SPDX-License-Identifier: Apache-2.0
#include "agent/agent.h"

#include <unistd.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/attempt_key.h"
#include "base/log.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace backup::agent {
namespace {

// What is left of the time to stop for the last words to the controller.
constexpr absl::Duration kLastWords = absl::Seconds(3);
// More are not told, so that a Sync fits into a message.
constexpr size_t kMaxUnfinishedTold = 10'000;

std::string Hostname() {
  char name[256] = {};
  return gethostname(name, sizeof(name) - 1) == 0 ? CleanText(name, 253) : "";
}

}  // namespace

absl::StatusOr<std::unique_ptr<Agent>> Agent::Create(Options options, Outside outside) {
  ASSIGN_OR_RETURN(StateDirectory state, StateDirectory::Open(options.config.state_directory));
  std::unique_ptr<Agent> agent(new Agent(std::move(options), std::move(outside), std::move(state)));
  RETURN_IF_ERROR(agent->Load());
  return agent;
}

Agent::Agent(Options options, Outside outside, StateDirectory state)
    : options_(std::move(options)),
      boot_id_(NewId(outside.random)),
      hostname_(Hostname()),
      link_(std::move(outside.link)),
      clock_(outside.clock),
      state_(std::move(state)),
      held_(state_.desired_file(), state_.corrupt()),
      journal_(state_.attempts(), state_.corrupt()),
      spool_(state_.spool(), state_.refused(), state_.corrupt()),
      logs_(state_.logs(), state_.corrupt()),
      repository_({options_.config.repository, options_.agent_id, state_.repository_file(), state_.corrupt()}),
      jobs_(outside.jobs != nullptr ? std::move(outside.jobs)
                                    : std::make_unique<PipelineJobRunner>(repository_, clock_)),
      runs_({{options_.agent_id, options_.config.repository, options_.config.pg_bindir, options_.config.drill_directory,
              options_.config.restore_targets},
             options_.config.databases,
             options_.config.max_runs},
            {*jobs_, held_, journal_, spool_, logs_, clock_, outside.random}, [this] { OnRunsChanged(); }),
      recovery_({runs_, journal_, spool_, repository_, *jobs_, clock_}, options_.config.repository),
      databases_({options_.agent_id, options_.config.databases}, std::move(outside.probe), std::move(outside.check),
                 clock_, [this] { sync_.Wake(); }),
      sync_(
          options_.sync, *link_, clock_, outside.random, [this] { return State(); },
          [this](const v1::SyncRequest& asked, const v1::SyncResponse& answer) { Apply(asked, answer); }),
      progress_(*link_, runs_, held_, clock_),
      delivery_(*link_, spool_, journal_, logs_, clock_, outside.random),
      repository_loop_("repository", [this] { return LookAtRepository(); }) {
  MutexLock lock(mu_);
  repository_status_.set_path(options_.config.repository);
}

Agent::~Agent() { Stop(absl::InfiniteDuration()); }

absl::Status Agent::Load() {
  RETURN_IF_ERROR(spool_.Load());
  RETURN_IF_ERROR(logs_.Load());
  std::vector<AttemptKey> taken = spool_.Keys();
  ASSIGN_OR_RETURN(const std::vector<v1::Run> cut_off, recovery_.Load());
  for (const v1::Run& attempt : cut_off) {
    taken.push_back(KeyOf(attempt));
  }
  held_.Load(taken);
  LogInfo("agent ready", {{"agent", MakeAgentName(options_.agent_id)},
                          {"version", BACKUPCTL_VERSION},
                          {"databases", options_.config.databases.size()},
                          {"held_runs", held_.runs().size()},
                          {"undelivered_results", spool_.Keys().size()},
                          {"cut_off_runs", cut_off.size()}});
  return absl::OkStatus();
}

void Agent::Start() {
  repository_loop_.Start();
  runs_.Start();
  sync_.Start();
  progress_.Start();
  delivery_.Start();
  databases_.Start();
}

bool Agent::Stop(absl::Duration grace) {
  if (stopped_) {
    return true;
  }
  const absl::Duration end = clock_.Monotonic() + grace;
  sync_.Stop();
  const bool ended = runs_.Stop("the agent was stopped", std::max(grace - kLastWords, grace / 2));
  progress_.Stop();
  delivery_.Stop();
  if (const absl::Duration left = end - clock_.Monotonic(); left > absl::ZeroDuration()) {
    delivery_.DeliverLast(std::min(left, kLastWords));
  }
  if (ended) {
    databases_.Stop();
    repository_loop_.Stop();
    stopped_ = true;
  }
  return ended;
}

v1::SyncRequest Agent::State() const {
  v1::SyncRequest request;
  request.set_boot_id(boot_id_);
  request.set_version(BACKUPCTL_VERSION);
  request.add_capabilities("backup");
  request.add_capabilities("delete");
  request.add_capabilities("drill");
  request.add_capabilities("restore");
  request.add_capabilities("verify");
  request.add_capabilities("zstd");
  request.set_known_revision(held_.revision());
  for (v1::AttemptProgress& attempt : runs_.Attempts()) {
    *request.add_attempts() = std::move(attempt);
  }
  request.set_slot_count(runs_.max_runs());
  request.set_free_slots(std::max(runs_.max_runs() - request.attempts_size(), 0));
  for (v1::Database& database : databases_.Databases()) {
    *request.add_databases() = std::move(database);
  }
  for (const RestoreTargetConfig& target : options_.config.restore_targets) {
    request.add_restore_targets(target.name);
  }
  if (const std::set<std::string> runs = UnfinishedRuns(); runs.size() <= kMaxUnfinishedTold) {
    request.mutable_unfinished()->mutable_runs()->Assign(runs.begin(), runs.end());
  }
  request.set_hostname(hostname_);
  request.mutable_labels()->insert(options_.config.labels.begin(), options_.config.labels.end());
  MutexLock lock(mu_);
  *request.mutable_repository() = repository_status_;
  return request;
}

// In the order in which a run goes from one to the next, so that one on its way is seen at least once.
std::set<std::string> Agent::UnfinishedRuns() const {
  std::set<std::string> names;
  for (const std::string& run : recovery_.UnsettledRuns()) {
    names.insert(run);
  }
  for (const std::string& run : runs_.HeldAndActiveRuns()) {
    names.insert(run);
  }
  for (const AttemptKey& key : spool_.Keys()) {
    names.insert(key.first);
  }
  return names;
}

void Agent::Apply(const v1::SyncRequest& asked, const v1::SyncResponse& answer) {
  runs_.ApplyDesired(asked, answer);
  // The controller is there: what waits in a back-off need not.
  if (!spool_.Keys().empty() || !logs_.empty()) {
    delivery_.Wake();
  }
}

void Agent::OnRunsChanged() {
  sync_.Wake();
  progress_.Wake();
  delivery_.Wake();
}

void Agent::CleanUpRepository() {
  if (clock_.Monotonic() < next_clean_up_) {
    return;
  }
  next_clean_up_ = clock_.Monotonic() + options_.clean_up_interval;
  std::set<std::string> working;
  for (const ActiveAttempt& attempt : runs_.ActiveRuns()) {
    working.insert(attempt.backup_id);
  }
  repository_.CleanUp(working, clock_.Now());
}

absl::Duration Agent::LookAtRepository() {
  CleanUpRepository();
  const v1::RepositoryStatus status = repository_.Status();
  std::string problem_before;
  bool news = false;
  {
    MutexLock lock(mu_);
    problem_before = repository_status_.problem();
    news = status.id() != repository_status_.id() || status.problem() != problem_before;
    repository_status_ = status;
  }
  if (news) {
    if (!status.problem().empty()) {
      LogError("the repository cannot be used; runs will fail until it can",
               {{"path", options_.config.repository},
                {"error", status.problem()},
                {"hint", "mount it; a new one is made by `backup-agent init-repository DIR`"}});
    } else if (!problem_before.empty()) {
      LogInfo("the repository can be used again", {{"path", options_.config.repository}});
    }
    sync_.Wake();
  }
  recovery_.Settle();
  delivery_.Wake();
  return options_.repository_interval;
}

}  // namespace backup::agent
