// SPDX-License-Identifier: Apache-2.0
#include "server/api/api_test_server.h"

#include <sched.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/proto_json.h"
#include "base/resource_name.h"
#include "base/x509.h"
#include "server/domain/policy_rules.h"

namespace backup::server {
namespace {

// The value, or the end of the test program: a fixture has nobody to return an error to.
template <typename T>
T OrDie(absl::StatusOr<T> value) {
  if (!value.ok()) {
    ADD_FAILURE() << value.status();
    std::abort();
  }
  return *std::move(value);
}

}  // namespace

ApiTestServer::ApiTestServer(testing::FakeStore* store, ThreadPool* pool)
    : store_(store != nullptr ? store : &own_store_),
      authority_(std::make_unique<CertificateAuthority>(
          OrDie(CertificateAuthority::LoadOrCreate(dir_.File("pki"), clock_.Now())))),
      refusals_(*store_, clock_),
      clock_watch_(*store_, clock_),
      fleet_watch_(*store_, clock_, frozen_retention_),
      pool_(pool != nullptr ? pool : &own_pool_) {
  clock_watch_.RunOnce();
  server_ = OrDie(ApiServer::Start("127.0.0.1:0", ServerIdentity(), context()));
}

ApiContext ApiTestServer::context() {
  ApiSettings settings;
  settings.advertised_address = [] { return "controller.example:7443"; };
  settings.catalog = "in memory";
  settings.schema_version = 7;
  settings.start_time = clock_.Now();
  return {*store_,
          feed_,
          clock_,
          random_,
          *pool_,
          authorizer_,
          *authority_,
          parked_calls_,
          refusals_,
          clock_watch_,
          fleet_watch_,
          frozen_retention_,
          [this] { ++replan_count_; },
          [this] { ++plan_count_; },
          [](const std::string&) {},
          settings};
}

TlsIdentity ApiTestServer::ServerIdentity() const {
  const KeyPair pair = OrDie(authority_->ServerIdentity({"backup-controller", kControllerSpiffeId},
                                                        {{kControllerServerName}, {"127.0.0.1"}}, clock_.Now()));
  return {authority_->certificate(), pair.certificate, pair.private_key};
}

ApiTestServer::~ApiTestServer() { server_.reset(); }

TlsIdentity ApiTestServer::Identity(const std::string& name, const std::string& spiffe_id) {
  const std::string key = OrDie(GeneratePrivateKey());
  return {authority_->certificate(),
          OrDie(authority_->IssueClientCertificate({name, spiffe_id}, OrDie(PublicKeyOfPrivateKey(key)), clock_.Now())),
          key};
}

TlsIdentity ApiTestServer::Anonymous() const { return {authority_->certificate(), "", ""}; }

std::string ApiTestServer::address() const { return absl::StrCat("127.0.0.1:", server_->port()); }

std::shared_ptr<grpc::Channel> ApiTestServer::Dial(const TlsIdentity& identity) const {
  return CreateTlsChannel(address(), identity);
}

void ApiTestServer::PutAgent(const std::string& id, const std::vector<std::string>& databases) {
  v1::Agent agent;
  agent.set_name(MakeAgentName(id));
  *agent.mutable_enroll_time() = ToProto(clock_.Now());
  agent.add_capabilities("delete");
  std::vector<v1::Database> all;
  for (const std::string& database : databases) {
    all.emplace_back().set_name(MakeDatabaseName(id, database));
    all.back().set_display_name(database);
  }
  store_->PutAgent(agent, all);
}

v1::Run ApiTestServer::PutPendingRun(const std::string& id, const std::string& agent, const std::string& database) {
  v1::Run run;
  run.set_name(MakeRunName(id));
  run.set_kind(v1::BACKUP);
  run.set_database(MakeDatabaseName(agent, database));
  run.set_state(v1::PENDING);
  run.set_epoch(1);
  *run.mutable_slot_time() = ToProto(clock_.Now());
  *run.mutable_not_before_time() = ToProto(clock_.Now());
  *run.mutable_start_deadline_time() = ToProto(clock_.Now() + absl::Hours(6));
  run.set_manual(true);
  store_->PutRun(run);
  return run;
}

v1::Policy ApiTestServer::PutPolicy(const std::string& id) {
  v1::Policy policy;
  policy.set_name(MakePolicyName(id));
  policy.mutable_spec()->add_databases();
  policy.mutable_spec()->mutable_schedule()->set_cron("0 22 * * *");
  policy.mutable_spec()->mutable_retention()->set_keep_last(3);
  FillDefaults(*policy.mutable_spec());
  store_->PutPolicy(policy, clock_.Now());
  return OrDie(store_->GetPolicy(policy.name()));
}

v1::EnrollmentTokenContent DecodeToken(const std::string& token) {
  std::string bytes;
  v1::EnrollmentTokenContent content;
  if (!absl::WebSafeBase64Unescape(token, &bytes) || !content.ParseFromString(bytes)) {
    ADD_FAILURE() << token << " is no token";
  }
  return content;
}

bool ApiTestServer::AwaitParked(size_t count) const {
  const absl::Time give_up = absl::Now() + absl::Seconds(30);
  while (parked_calls_.waiting_count() < count) {
    if (absl::Now() > give_up) {
      return false;
    }
    sched_yield();
  }
  return true;
}

}  // namespace backup::server
