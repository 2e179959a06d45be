// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/rpc/tls.h"
#include "server/api/agent_control_service.h"
#include "server/api/agent_service.h"
#include "server/api/api_context.h"
#include "server/api/backup_service.h"
#include "server/api/fleet_service.h"
#include "server/api/policy_service.h"
#include "server/api/report_service.h"
#include "server/api/run_service.h"

namespace backup::server {

// The gRPC server with all services, health and reflection. TLS only, on loopback too.
//
// Limits: messages of at most 1 MiB come in; a TLS handshake takes at most 10 s; a connection carries at most 100 calls
// at once; a client may ping every 10 s; a connection whose peer answers no ping for 10 s is closed.
//
// Thread-safe.
class ApiServer {
 public:
  // Serves at `listen` (host:port; port 0 takes any) once it returns. `api` is copied, what it refers to is borrowed.
  // FAILED_PRECONDITION ADDRESS_IN_USE when another program listens there, ADDRESS_UNUSABLE when it is no address of
  // this machine or we may not listen there.
  static absl::StatusOr<std::unique_ptr<ApiServer>> Start(const std::string& listen, const TlsIdentity& identity,
                                                          const ApiContext& api);
  // Shutdown, at once.
  ~ApiServer();
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;

  int port() const { return port_; }

  // What the health service says to everybody who asks.
  void SetServing(bool serving);

  // Takes no more calls, ends the parked ones, waits for the others; those that last longer than `grace` are cancelled.
  // Idempotent.
  void Shutdown(absl::Duration grace);

 private:
  explicit ApiServer(const ApiContext& api);

  const ApiContext api_;
  PolicyService policy_service_;
  RunService run_service_;
  BackupService backup_service_;
  AgentService agent_service_;
  FleetService fleet_service_;
  ReportService report_service_;
  AgentControlService agent_control_service_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace backup::server
