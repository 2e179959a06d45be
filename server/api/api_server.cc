// SPDX-License-Identifier: Apache-2.0
#include "server/api/api_server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>

#include "server/api/listen_error.h"

namespace backup::server {
namespace {

constexpr int kMaxReceiveBytes = 1 << 20;
constexpr int kHandshakeTimeoutMs = 10'000;
constexpr int kMaxCallsPerConnection = 100;
constexpr int kKeepaliveMs = 30'000;
constexpr int kKeepaliveTimeoutMs = 10'000;
constexpr int kMinPingIntervalMs = 10'000;
// Beyond this gRPC takes no more bytes from its connections until some are freed.
constexpr size_t kMaxBufferBytes = size_t{512} << 20;

// Both are switches of the whole process, and have to be thrown before the first server is built.
void EnableHealthAndReflection() {
  static const bool once = [] {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    return true;
  }();
  (void)once;
}

void SetLimits(grpc::ServerBuilder& builder) {
  // Two servers on one port would share the connections between them, silently.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxCallsPerConnection);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kMinPingIntervalMs);
  builder.SetMaxReceiveMessageSize(kMaxReceiveBytes);
  builder.SetResourceQuota(grpc::ResourceQuota("api").Resize(kMaxBufferBytes));
}

}  // namespace

ApiServer::ApiServer(const ApiContext& api)
    : api_(api),
      policy_service_(api_),
      run_service_(api_),
      backup_service_(api_),
      agent_service_(api_),
      fleet_service_(api_),
      report_service_(api_),
      agent_control_service_(api_) {}

absl::StatusOr<std::unique_ptr<ApiServer>> ApiServer::Start(const std::string& listen, const TlsIdentity& identity,
                                                            const ApiContext& api) {
  EnableHealthAndReflection();
  std::unique_ptr<ApiServer> self(new ApiServer(api));
  grpc::ServerBuilder builder;
  SetLimits(builder);
  builder.AddListeningPort(listen, ServerTlsCredentials(identity), &self->port_);
  builder.RegisterService(&self->policy_service_);
  builder.RegisterService(&self->run_service_);
  builder.RegisterService(&self->backup_service_);
  builder.RegisterService(&self->agent_service_);
  builder.RegisterService(&self->fleet_service_);
  builder.RegisterService(&self->report_service_);
  builder.RegisterService(&self->agent_control_service_);
  self->server_ = builder.BuildAndStart();
  if (self->server_ == nullptr || self->port_ == 0) {
    return ListenError(listen);
  }
  return self;
}

ApiServer::~ApiServer() { Shutdown(absl::ZeroDuration()); }

void ApiServer::SetServing(bool serving) { server_->GetHealthCheckService()->SetServingStatus(serving); }

void ApiServer::Shutdown(absl::Duration grace) {
  if (server_ == nullptr) {
    return;
  }
  api_.parked_calls.Stop();
  server_->Shutdown(absl::ToChronoTime(absl::Now() + grace));
  server_->Wait();
}

}  // namespace backup::server
