// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "base/rpc/grpc_status.h"
#include "base/rpc/tls.h"
#include "server/api/api_server.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fake_random.h"
#include "tests/testing/fake_store.h"
#include "tests/testing/temp_dir.h"

namespace backup::server {

// The API over real TLS on a port of loopback, above a catalog in memory and a clock that stands still.
class ApiTestServer {
 public:
  // `store` stands in for the catalog when given; borrowed.
  explicit ApiTestServer(testing::FakeStore* store = nullptr, ThreadPool* pool = nullptr);
  ~ApiTestServer();

  // Identities as this controller's authority gives them out.
  TlsIdentity Agent(const std::string& id) { return Identity(id, AgentSpiffeId(id)); }
  TlsIdentity User(const std::string& id = "alice") { return Identity(id, UserSpiffeId(id)); }
  TlsIdentity Anonymous() const;
  TlsIdentity ServerIdentity() const;
  std::shared_ptr<grpc::Channel> Dial(const TlsIdentity& identity) const;
  std::string address() const;

  // Puts agent `id` with `databases` (their own names) into the catalog.
  void PutAgent(const std::string& id, const std::vector<std::string>& databases = {});
  // A PENDING backup run of a database that PutAgent made.
  v1::Run PutPendingRun(const std::string& id, const std::string& agent, const std::string& database);
  // A policy of the given id that covers everything and is due daily.
  v1::Policy PutPolicy(const std::string& id);
  // Blocks until `count` calls are parked; false after 30 s.
  bool AwaitParked(size_t count) const;
  void Shutdown() { server_->Shutdown(absl::Seconds(5)); }

  testing::FakeStore& store() { return *store_; }
  testing::FakeClock& clock() { return clock_; }
  ChangeFeed& feed() { return feed_; }
  ParkedCalls& parked_calls() { return parked_calls_; }
  const CertificateAuthority& authority() const { return *authority_; }
  ApiServer& server() { return *server_; }
  // What its services work with.
  ApiContext context();
  ClockWatch& clock_watch() { return clock_watch_; }
  FleetWatch& fleet_watch() { return fleet_watch_; }
  FrozenRetention& frozen_retention() { return frozen_retention_; }
  int replan_count() const { return replan_count_; }
  int plan_count() const { return plan_count_; }

 private:
  TlsIdentity Identity(const std::string& name, const std::string& spiffe_id);

  testing::TempDir dir_;
  // Real now, because certificates are judged by the real clock.
  testing::FakeClock clock_{absl::FromUnixSeconds(absl::ToUnixSeconds(absl::Now()))};
  testing::FakeRandom random_;
  testing::FakeStore own_store_;
  testing::FakeStore* const store_;
  ChangeFeed feed_;
  std::unique_ptr<CertificateAuthority> authority_;
  Authorizer authorizer_;
  Refusals refusals_;
  ClockWatch clock_watch_;
  FrozenRetention frozen_retention_;
  FleetWatch fleet_watch_;
  ParkedCalls parked_calls_;
  ThreadPool own_pool_{"test", 4, 10000};
  ThreadPool* const pool_;
  std::atomic<int> replan_count_ = 0;
  std::atomic<int> plan_count_ = 0;
  std::unique_ptr<ApiServer> server_;
};

// What a token holds; nothing in it when it is none.
v1::EnrollmentTokenContent DecodeToken(const std::string& token);

// Calls a method of a stub, with a deadline of 30 s.
template <typename Stub, typename Request, typename Response>
absl::StatusOr<Response> Call(const std::unique_ptr<Stub>& stub,
                              grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                              const Request& request) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(30)));
  Response response;
  const absl::Status status = FromGrpcStatus((stub.get()->*method)(&context, request, &response));
  if (!status.ok()) {
    return status;
  }
  return response;
}

}  // namespace backup::server
