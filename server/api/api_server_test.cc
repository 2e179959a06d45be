// SPDX-License-Identifier: Apache-2.0
#include "server/api/api_server.h"

#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <future>
#include <set>

#include "absl/strings/str_cat.h"
#include "backup/v1/run_service.grpc.pb.h"
#include "base/x509.h"
#include "server/api/api_test_server.h"
#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using ::backup::testing::HasHint;
using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::StatusIs;
using ::testing::HasSubstr;

// Calls a method by name with bytes as they are, as a program without our stubs would.
absl::StatusOr<std::string> CallRaw(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                                    const std::string& bytes) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(30)));
  const grpc::Slice slice(bytes);
  const grpc::ByteBuffer request(&slice, 1);
  grpc::ByteBuffer response;
  std::promise<grpc::Status> done;
  stub.UnaryCall(&context, method, grpc::StubOptions(), &request, &response,
                 [&](grpc::Status status) { done.set_value(std::move(status)); });
  const absl::Status status = FromGrpcStatus(done.get_future().get());
  if (!status.ok()) {
    return status;
  }
  std::vector<grpc::Slice> slices;
  EXPECT_TRUE(response.Dump(&slices).ok());
  std::string text;
  for (const grpc::Slice& each : slices) {
    text.append(reinterpret_cast<const char*>(each.begin()), each.size());
  }
  return text;
}

class ApiServerTest : public ::testing::Test {
 protected:
  absl::Status GetRun(const TlsIdentity& identity) {
    const auto stub = v1::RunService::NewStub(server_.Dial(identity));
    v1::GetRunRequest request;
    request.set_name("runs/none");
    return Call(stub, &v1::RunService::Stub::GetRun, request).status();
  }

  ApiTestServer server_;
};

TEST_F(ApiServerTest, ASecondServerOnThePortIsRefusedWithTheReason) {
  ApiTestServer other;
  const absl::Status status = ApiServer::Start(server_.address(), other.ServerIdentity(), other.context()).status();
  EXPECT_THAT(status, HasReason("ADDRESS_IN_USE"));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(server_.address())));
  EXPECT_THAT(status, HasHint(HasSubstr("--listen")));
}

TEST_F(ApiServerTest, AnAddressOfAnotherMachineIsRefused) {
  EXPECT_THAT(ApiServer::Start("192.0.2.1:0", server_.ServerIdentity(), server_.context()),
              HasReason("ADDRESS_UNUSABLE"));
}

TEST_F(ApiServerTest, HealthAndReflectionAreOpenToAll) {
  const auto channel = server_.Dial(server_.Anonymous());
  // HealthCheckResponse{status: SERVING}.
  EXPECT_EQ(*CallRaw(channel, "/grpc.health.v1.Health/Check", ""), std::string("\x08\x01"));
  server_.server().SetServing(false);
  EXPECT_EQ(*CallRaw(channel, "/grpc.health.v1.Health/Check", ""), std::string("\x08\x02"));
}

TEST_F(ApiServerTest, WithoutTlsNobodyGetsIn) {
  const auto channel = grpc::CreateChannel(server_.address(), grpc::InsecureChannelCredentials());
  EXPECT_THAT(CallRaw(channel, "/grpc.health.v1.Health/Check", ""), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(ApiServerTest, ACertificateOfAnotherAuthorityIsRefused) {
  ApiTestServer other;
  TlsIdentity stranger = other.User("alice");
  stranger.ca_certificates = server_.authority().certificate();
  EXPECT_THAT(GetRun(stranger), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(GetRun(server_.User("alice")), HasReason("RUN_NOT_FOUND"));
}

TEST_F(ApiServerTest, TheControllersOwnCertificateMakesNobodyAUser) {
  const std::string key = *GeneratePrivateKey();
  const absl::StatusOr<std::string> certificate = server_.authority().IssueClientCertificate(
      {"x", kControllerSpiffeId}, *PublicKeyOfPrivateKey(key), server_.clock().Now());
  ASSERT_THAT(certificate, IsOk());
  EXPECT_THAT(GetRun({server_.authority().certificate(), *certificate, key}), HasReason("CLIENT_CERTIFICATE_REQUIRED"));
}

TEST_F(ApiServerTest, AnExpiredCertificateIsRefused) {
  const std::string key = *GeneratePrivateKey();
  const absl::StatusOr<std::string> certificate = server_.authority().IssueClientCertificate(
      {"alice", UserSpiffeId("alice")}, *PublicKeyOfPrivateKey(key), server_.clock().Now() - absl::Hours(24 * 400));
  ASSERT_THAT(certificate, IsOk());
  EXPECT_THAT(GetRun({server_.authority().certificate(), *certificate, key}), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(ApiServerTest, AMessageOverAMebibyteIsRefused) {
  const auto channel = server_.Dial(server_.User());
  const absl::StatusOr<std::string> answer =
      CallRaw(channel, "/backup.v1.RunService/GetRun", std::string((1 << 20) + 100, '\0'));
  EXPECT_THAT(answer, StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST_F(ApiServerTest, BytesThatAreNoMessageDoNoHarm) {
  const auto channel = server_.Dial(server_.User());
  EXPECT_FALSE(CallRaw(channel, "/backup.v1.RunService/GetRun", "\xff\xff\xff\xff").ok());
  EXPECT_THAT(CallRaw(channel, "/backup.v1.RunService/NoSuchMethod", ""), StatusIs(absl::StatusCode::kUnimplemented));
  EXPECT_THAT(GetRun(server_.User()), HasReason("RUN_NOT_FOUND"));
}

TEST_F(ApiServerTest, ErrorsArriveWithReasonHintAndMetadata) {
  const absl::Status status = GetRun(server_.User());
  EXPECT_THAT(status, HasReason("RUN_NOT_FOUND"));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(GetErrorInfos(status)[0].domain(), "backupctl");
}

TEST_F(ApiServerTest, ShutdownIsIdempotentAndLeavesThePortFree) {
  const std::string address = server_.address();
  server_.Shutdown();
  server_.Shutdown();
  ApiTestServer other;
  EXPECT_THAT(ApiServer::Start(address, other.ServerIdentity(), other.context()), IsOk());
}

}  // namespace
}  // namespace backup::server
