// SPDX-License-Identifier: Apache-2.0
#include "server/api/authorizer.h"

#include <gmock/gmock.h>
#include <google/protobuf/empty.pb.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <map>
#include <set>

#include "backup/v1/agent_control_service.pb.h"
#include "backup/v1/agent_service.pb.h"
#include "backup/v1/backup_service.pb.h"
#include "backup/v1/fleet_service.pb.h"
#include "backup/v1/policy_service.pb.h"
#include "backup/v1/report_service.pb.h"
#include "backup/v1/run_service.pb.h"
#include "server/api/api_test_server.h"
#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::StatusIs;
using google::protobuf::FileDescriptor;
using google::protobuf::MethodDescriptor;

// Every method of every service that the server registers; reflection in api_server_test.cc proves that these are all.
std::vector<const MethodDescriptor*> AllMethods() {
  std::vector<const MethodDescriptor*> methods;
  for (const FileDescriptor* file :
       {v1::SyncRequest::descriptor()->file(), v1::GetAgentRequest::descriptor()->file(),
        v1::GetBackupRequest::descriptor()->file(), v1::GetFleetStatusRequest::descriptor()->file(),
        v1::GetPolicyRequest::descriptor()->file(), v1::GetReportRequest::descriptor()->file(),
        v1::GetRunRequest::descriptor()->file()}) {
    for (int s = 0; s < file->service_count(); ++s) {
      for (int m = 0; m < file->service(s)->method_count(); ++m) {
        methods.push_back(file->service(s)->method(m));
      }
    }
  }
  return methods;
}

// What the design says, written down apart from the table: agents speak to AgentControlService only, people to all
// else, and only Enroll needs no certificate.
bool MayCall(Peer::Kind kind, const MethodDescriptor& method) {
  const bool for_agents = method.service()->full_name() == "backup.v1.AgentControlService";
  switch (kind) {
    case Peer::Kind::kAnonymous:
      return method.full_name() == "backup.v1.AgentControlService.Enroll";
    case Peer::Kind::kAgent:
      return for_agents && method.name() != "Enroll";
    case Peer::Kind::kUser:
      return !for_agents;
  }
  return false;
}

const std::vector<Peer> kPeers = {
    {Peer::Kind::kAnonymous, ""}, {Peer::Kind::kAgent, "db1"}, {Peer::Kind::kUser, "alice"}};

TEST(AuthorizerTest, KnowsEveryMethodAndNoOther) {
  std::set<std::string> of_services;
  for (const MethodDescriptor* method : AllMethods()) {
    of_services.insert(method->full_name());
  }
  std::set<std::string> of_table;
  for (const MethodRule& rule : MethodRules()) {
    EXPECT_FALSE(rule.allowed.empty()) << rule.method;
    EXPECT_TRUE(of_table.insert(std::string(rule.method)).second) << rule.method << " stands twice";
  }
  EXPECT_EQ(of_table, of_services);
}

TEST(AuthorizerTest, FindsEachMethodByItsRequestAlone) {
  std::set<const google::protobuf::Descriptor*> requests;
  for (const MethodDescriptor* method : AllMethods()) {
    EXPECT_TRUE(requests.insert(method->input_type()).second)
        << method->input_type()->full_name() << " is of two methods";
    EXPECT_EQ(MethodTaking(*method->input_type()), method->full_name());
  }
}

TEST(AuthorizerTest, LetsEachPeerCallWhatItMay) {
  const Authorizer authorizer;
  for (const MethodDescriptor* method : AllMethods()) {
    for (const Peer& peer : kPeers) {
      const absl::Status status = authorizer.Authorize(peer, *method->input_type());
      SCOPED_TRACE(method->full_name() + " by " + peer.ToString());
      if (MayCall(peer.kind, *method)) {
        EXPECT_THAT(status, IsOk());
      } else if (peer.kind == Peer::Kind::kAnonymous) {
        EXPECT_THAT(status, HasReason("CLIENT_CERTIFICATE_REQUIRED"));
        EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnauthenticated));
      } else {
        EXPECT_THAT(status, HasReason("NOT_ALLOWED"));
        EXPECT_THAT(status, StatusIs(absl::StatusCode::kPermissionDenied));
      }
    }
  }
}

TEST(AuthorizerTest, RefusesAMethodThatIsNotInTheTable) {
  const Authorizer authorizer({{"backup.v1.RunService.GetRun", {Peer::Kind::kUser}}});
  const Peer user = {Peer::Kind::kUser, "alice"};
  EXPECT_THAT(authorizer.Authorize(user, *v1::GetRunRequest::descriptor()), IsOk());
  EXPECT_THAT(authorizer.Authorize(user, *v1::ListRunsRequest::descriptor()), HasReason("NOT_ALLOWED"));
  EXPECT_THAT(authorizer.Authorize(user, *google::protobuf::Empty::descriptor()), HasReason("NOT_ALLOWED"));
}

// An empty request by method name, as a program without our stubs would send it.
absl::Status CallByName(grpc::GenericStub& stub, const MethodDescriptor& method) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(30)));
  const grpc::Slice nothing;
  const grpc::ByteBuffer request(&nothing, 1);
  grpc::ByteBuffer response;
  std::promise<grpc::Status> done;
  stub.UnaryCall(&context, "/" + method.service()->full_name() + "/" + method.name(), grpc::StubOptions(), &request,
                 &response, [&](grpc::Status status) { done.set_value(std::move(status)); });
  return FromGrpcStatus(done.get_future().get());
}

// The same table over the wire: proves that every handler asks the authorizer, and with the peer of its certificate.
TEST(AuthorizerTest, EveryHandlerPassesIt) {
  ApiTestServer server;
  std::map<Peer::Kind, std::shared_ptr<grpc::Channel>> channels = {
      {Peer::Kind::kAnonymous, server.Dial(server.Anonymous())},
      {Peer::Kind::kAgent, server.Dial(server.Agent("db1"))},
      {Peer::Kind::kUser, server.Dial(server.User())}};
  for (const Peer& peer : kPeers) {
    grpc::GenericStub stub(channels[peer.kind]);
    for (const MethodDescriptor* method : AllMethods()) {
      SCOPED_TRACE(method->full_name() + " by " + peer.ToString());
      const absl::Status status = CallByName(stub, *method);
      const std::string reason = ErrorReason(status);
      const bool refused = reason == "CLIENT_CERTIFICATE_REQUIRED" || reason == "NOT_ALLOWED";
      EXPECT_EQ(refused, !MayCall(peer.kind, *method)) << status;
      EXPECT_NE(status.code(), absl::StatusCode::kUnimplemented);
    }
  }
}

}  // namespace
}  // namespace backup::server
