// SPDX-License-Identifier: Apache-2.0
// Enrolment, identity and the link, against a controller's gRPC server with TLS in this process.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <thread>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "agent/rpc/enroll.h"
#include "agent/rpc/grpc_controller_link.h"
#include "agent/rpc/identity.h"
#include "base/errors.h"
#include "base/file.h"
#include "base/rpc/grpc_status.h"
#include "base/rpc/tls.h"
#include "base/x509.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace backup::agent {
namespace {

using ::backup::testing::HasHint;
using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::StatusIs;
using ::backup::testing::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr absl::Duration kTimeout = absl::Seconds(30);

// A certificate authority and a controller that enrols everybody and parks every Sync.
class TestController : public v1::AgentControlService::Service {
 public:
  TestController() : ca_key_(*GeneratePrivateKey()) {
    CertificateSpec spec = Spec("test CA");
    spec.is_ca = true;
    ca_certificate_ = *IssueCertificate(spec, *PublicKeyOfPrivateKey(ca_key_), "", ca_key_);
    Serve("127.0.0.1:0");
  }
  ~TestController() override { Stop(); }

  void Serve(const std::string& address) {
    const std::string key = *GeneratePrivateKey();
    CertificateSpec spec = Spec(kControllerServerName);
    spec.dns_names = {kControllerServerName};
    spec.uris = {kControllerSpiffeId};
    spec.server_auth = true;
    const std::string certificate = *IssueCertificate(spec, *PublicKeyOfPrivateKey(key), ca_certificate_, ca_key_);
    int port = 0;
    grpc::ServerBuilder builder;
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.AddListeningPort(address, ServerTlsCredentials({ca_certificate_, certificate, key}), &port);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
    address_ = absl::StrCat("127.0.0.1:", port);
  }
  void Stop() {
    if (server_ != nullptr) {
      server_->Shutdown(std::chrono::system_clock::now());
      server_->Wait();
      server_.reset();
    }
  }

  std::string Token(const std::string& agent_id) const {
    v1::EnrollmentTokenContent content;
    content.set_secret(std::string(32, 's'));
    content.set_controller_address(address_);
    content.set_ca_certificate(ca_certificate_);
    content.set_agent_id(agent_id);
    return absl::WebSafeBase64Escape(content.SerializeAsString());
  }
  const std::string& address() const { return address_; }

  // Whom Enroll certifies, whatever the token said; "" refuses.
  std::string certifies = "db1";
  std::atomic<int> enrol_count = 0;
  std::atomic<int> sync_count = 0;

  grpc::Status Enroll(grpc::ServerContext* /*context*/, const v1::EnrollRequest* request,
                      v1::EnrollResponse* response) override {
    ++enrol_count;
    if (certifies.empty()) {
      return ToGrpcStatus(EnrollmentTokenInvalid());
    }
    CertificateSpec spec = Spec(certifies);
    spec.uris = {AgentSpiffeId(certifies)};
    spec.client_auth = true;
    response->set_certificate(*IssueCertificate(spec, *PublicKeyOfCsr(request->csr()), ca_certificate_, ca_key_));
    response->set_ca_certificates(ca_certificate_);
    response->set_agent("agents/" + certifies);
    return grpc::Status::OK;
  }
  grpc::Status Sync(grpc::ServerContext* context, const v1::SyncRequest* /*request*/,
                    v1::SyncResponse* /*response*/) override {
    ++sync_count;
    while (!context->IsCancelled()) {
      std::this_thread::yield();
    }
    return grpc::Status::CANCELLED;
  }
  grpc::Status CompleteRun(grpc::ServerContext* context, const v1::CompleteRunRequest* /*request*/,
                           v1::CompleteRunResponse* /*response*/) override {
    const Peer peer = PeerOf(context->auth_context().get());
    if (peer.kind != Peer::Kind::kAgent) {
      return ToGrpcStatus(ClientCertificateRequired());
    }
    return ToGrpcStatus(StaleEpoch(peer.id, 1, 2));
  }

 private:
  static CertificateSpec Spec(const std::string& name) {
    CertificateSpec spec;
    spec.common_name = name;
    spec.not_before = absl::Now() - absl::Hours(1);
    spec.not_after = absl::Now() + absl::Hours(1);
    return spec;
  }
  const std::string ca_key_;
  std::string ca_certificate_;
  std::string address_;
  std::unique_ptr<grpc::Server> server_;
};

class AgentRpcTest : public ::testing::Test {
 protected:
  std::string directory() const { return temp_.File("state/identity"); }
  absl::StatusOr<EnrollOutcome> Enroll(const std::string& agent_id = "db1") {
    return EnrollAgent(controller_.Token(agent_id), directory(), kTimeout);
  }
  TempDir temp_;
  TestController controller_;
};

TEST_F(AgentRpcTest, EnrolmentLeavesAnIdentityThatTheControllerKnows) {
  const absl::StatusOr<EnrollOutcome> outcome = Enroll();
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(outcome->agent_id, "db1");
  EXPECT_FALSE(outcome->was_enrolled);
  struct stat info;
  ASSERT_EQ(stat((directory() + "/agent.key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);

  const absl::StatusOr<Identity> identity = LoadIdentity(directory());
  ASSERT_THAT(identity, IsOk());
  EXPECT_EQ(identity->agent_id, "db1");
  EXPECT_EQ(identity->controller_address, controller_.address());

  GrpcControllerLink link(directory());
  Cancellation never;
  EXPECT_THAT(link.CompleteRun({}, kTimeout, never), HasReason("STALE_EPOCH")) << "errors keep their reason";
}

TEST_F(AgentRpcTest, EnrollingAgainUsesNoSecondToken) {
  ASSERT_THAT(Enroll(), IsOk());

  const absl::StatusOr<EnrollOutcome> again = Enroll();

  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(again->was_enrolled);
  EXPECT_EQ(controller_.enrol_count, 1);
}

TEST_F(AgentRpcTest, AnEnrolledAgentDoesNotChangeItsNameOrAuthority) {
  ASSERT_THAT(Enroll(), IsOk());
  EXPECT_THAT(Enroll("db2"), HasReason("ALREADY_ENROLLED"));

  const TestController other;
  EXPECT_THAT(EnrollAgent(other.Token("db1"), directory(), kTimeout), HasReason("ALREADY_ENROLLED"));
  EXPECT_EQ(LoadIdentity(directory())->controller_address, controller_.address());
}

TEST_F(AgentRpcTest, ATokenThatIsNotAcceptedLeavesNoIdentity) {
  controller_.certifies = "";

  EXPECT_THAT(Enroll(), HasReason("ENROLLMENT_TOKEN_INVALID"));

  EXPECT_THAT(LoadIdentity(directory()), HasReason("NOT_ENROLLED"));
}

TEST_F(AgentRpcTest, ACertificateForAnotherNameIsNotTaken) {
  controller_.certifies = "db2";

  EXPECT_THAT(Enroll("db1"), HasReason("IDENTITY_INVALID"));

  EXPECT_THAT(LoadIdentity(directory()), HasReason("NOT_ENROLLED"));
}

TEST_F(AgentRpcTest, AControllerOfAnotherAuthorityIsNotTrusted) {
  const TestController impostor;
  v1::EnrollmentTokenContent content = *ParseEnrollmentToken(controller_.Token("db1"));
  content.set_controller_address(impostor.address());

  EXPECT_THAT(EnrollAgent(absl::WebSafeBase64Escape(content.SerializeAsString()), directory(), kTimeout),
              StatusIs(absl::StatusCode::kUnavailable));

  EXPECT_EQ(impostor.enrol_count, 0) << "the secret was not sent";
}

TEST_F(AgentRpcTest, SomethingThatIsNoTokenIsRefusedWithoutBeingQuoted) {
  const std::string token = controller_.Token("db1");
  for (const std::string& text : {std::string(), std::string(" \n"), std::string("not a token!"),
                                  token.substr(0, token.size() / 2), token + "AAAA", std::string(100'000, 'A')}) {
    EXPECT_THAT(ParseEnrollmentToken(text),
                AllOf(HasReason("ENROLLMENT_TOKEN_MALFORMED"),
                      StatusIs(absl::StatusCode::kInvalidArgument, Not(HasSubstr(token.substr(0, 20))))))
        << text.size();
  }
  EXPECT_THAT(ParseEnrollmentToken(" " + token + "\n"), IsOk());
}

TEST_F(AgentRpcTest, AnAgentThatIsNotEnrolledSaysHowTo) {
  EXPECT_THAT(LoadIdentity(directory()), AllOf(HasReason("NOT_ENROLLED"), HasHint(HasSubstr("backup-agent enroll"))));
}

TEST_F(AgentRpcTest, AnIdentityWithAnOpenKeyOrAMissingFileIsRefused) {
  ASSERT_THAT(Enroll(), IsOk());
  ASSERT_EQ(chmod((directory() + "/agent.key").c_str(), 0644), 0);
  EXPECT_THAT(LoadIdentity(directory()), HasReason("IDENTITY_INVALID"));

  ASSERT_EQ(chmod((directory() + "/agent.key").c_str(), 0600), 0);
  std::filesystem::remove(directory() + "/ca.crt");
  EXPECT_THAT(LoadIdentity(directory()), HasReason("IDENTITY_INVALID"));
}

TEST_F(AgentRpcTest, AnOpenCallEndsWhenItIsCancelled) {
  ASSERT_THAT(Enroll(), IsOk());
  GrpcControllerLink link(directory());
  Cancellation cancellation;
  std::thread canceller([&] {
    while (controller_.sync_count == 0) {
      std::this_thread::yield();
    }
    cancellation.Cancel("test");
  });

  EXPECT_THAT(link.Sync({}, absl::Minutes(10), cancellation), StatusIs(absl::StatusCode::kCancelled));

  canceller.join();
}

TEST_F(AgentRpcTest, ACallEndsAtItsDeadline) {
  ASSERT_THAT(Enroll(), IsOk());
  GrpcControllerLink link(directory());
  Cancellation never;

  EXPECT_THAT(link.Sync({}, absl::Milliseconds(300), never), StatusIs(absl::StatusCode::kDeadlineExceeded));
}

TEST_F(AgentRpcTest, TheLinkComesBackWithTheController) {
  ASSERT_THAT(Enroll(), IsOk());
  GrpcControllerLink link(directory());
  Cancellation never;
  ASSERT_THAT(link.CompleteRun({}, kTimeout, never), HasReason("STALE_EPOCH"));

  controller_.Stop();
  EXPECT_THAT(link.CompleteRun({}, kTimeout, never), StatusIs(absl::StatusCode::kUnavailable));
  controller_.Serve(controller_.address());

  EXPECT_THAT(link.CompleteRun({}, kTimeout, never), HasReason("STALE_EPOCH")) << "at the first call";
}

TEST_F(AgentRpcTest, TheLinkFollowsAnIdentityThatWasReplaced) {
  ASSERT_THAT(Enroll(), IsOk());
  GrpcControllerLink link(directory());
  Cancellation never;
  ASSERT_THAT(link.CompleteRun({}, kTimeout, never), HasReason("STALE_EPOCH"));
  controller_.Stop();
  ASSERT_THAT(link.CompleteRun({}, kTimeout, never), StatusIs(absl::StatusCode::kUnavailable));

  controller_.Serve("127.0.0.1:0");
  ASSERT_THAT(EnrollAgent(controller_.Token("db1"), directory(), kTimeout), IsOk()) << "the address is taken over";

  EXPECT_THAT(link.CompleteRun({}, kTimeout, never), HasReason("STALE_EPOCH"));
}

}  // namespace
}  // namespace backup::agent
