// SPDX-License-Identifier: Apache-2.0
#include "base/rpc/tls.h"

#include <gtest/gtest.h>

#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "backup/v1/agent_service.grpc.pb.h"
#include "base/errors.h"
#include "base/rpc/grpc_status.h"
#include "base/x509.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace backup {
namespace {

using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::IsOkAndHolds;
using ::backup::testing::StatusIs;
using ::testing::AnyOf;
using ::testing::HasSubstr;

// A private authority, as a controller has one.
class Authority {
 public:
  Authority() : key_(GeneratePrivateKey().value()) {
    CertificateSpec spec = Spec("test ca");
    spec.is_ca = true;
    certificate_ = IssueCertificate(spec, PublicKeyOfPrivateKey(key_).value(), "", key_).value();
  }

  static CertificateSpec Spec(absl::string_view common_name) {
    CertificateSpec spec;
    spec.common_name = std::string(common_name);
    spec.not_before = absl::Now() - absl::Hours(1);
    spec.not_after = absl::Now() + absl::Hours(1);
    return spec;
  }

  TlsIdentity Issue(const CertificateSpec& spec) const {
    TlsIdentity identity;
    identity.ca_certificates = certificate_;
    identity.private_key = GeneratePrivateKey().value();
    identity.certificate =
        IssueCertificate(spec, PublicKeyOfPrivateKey(identity.private_key).value(), certificate_, key_).value();
    return identity;
  }

  TlsIdentity IssueServer() const {
    CertificateSpec spec = Spec("backup-controller");
    spec.dns_names = {kControllerServerName};
    spec.uris = {kControllerSpiffeId};
    spec.server_auth = true;
    return Issue(spec);
  }

  TlsIdentity IssueClient(const std::vector<std::string>& uris) const {
    CertificateSpec spec = Spec("client");
    spec.uris = uris;
    spec.client_auth = true;
    return Issue(spec);
  }

  TlsIdentity Anonymous() const { return {certificate_, "", ""}; }

 private:
  std::string key_;
  std::string certificate_;
};

// Answers with who called, or with the error it was given.
class WhoAmI : public v1::AgentService::Service {
 public:
  grpc::Status GetAgent(grpc::ServerContext* context, const v1::GetAgentRequest*, v1::Agent* response) override {
    response->set_name(PeerOf(context->auth_context().get()).ToString());
    return ToGrpcStatus(error);
  }

  absl::Status error;
};

class TlsTest : public ::testing::Test {
 protected:
  void Serve(const TlsIdentity& identity) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", ServerTlsCredentials(identity), &port_);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
  }

  void TearDown() override {
    if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now());
  }

  // Who the server says we are, as `identity`.
  absl::StatusOr<std::string> Ask(const TlsIdentity& identity) const {
    const std::shared_ptr<grpc::Channel> channel = CreateTlsChannel(absl::StrCat("127.0.0.1:", port_), identity);
    const auto stub = v1::AgentService::NewStub(channel);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    v1::Agent response;
    const grpc::Status status = stub->GetAgent(&context, v1::GetAgentRequest(), &response);
    if (!status.ok()) return FromGrpcStatus(status);
    return response.name();
  }

  const Authority authority_;
  WhoAmI service_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

TEST_F(TlsTest, TellsApartWhoCalls) {
  Serve(authority_.IssueServer());
  EXPECT_THAT(Ask(authority_.Anonymous()), IsOkAndHolds(std::string("anonymous")));
  EXPECT_THAT(Ask(authority_.IssueClient({AgentSpiffeId("db-1")})), IsOkAndHolds(std::string("agents/db-1")));
  EXPECT_THAT(Ask(authority_.IssueClient({UserSpiffeId("admin")})), IsOkAndHolds(std::string("users/admin")));
}

TEST_F(TlsTest, AnIdentityThatIsNotExactlyOneOfOursIsAnonymous) {
  Serve(authority_.IssueServer());
  const std::vector<std::string> kCases[] = {
      {},
      {"spiffe://elsewhere/agent/db-1"},
      {"spiffe://backupctl/agent/db-1", "spiffe://backupctl/user/admin"},
      {"https://backupctl/user/admin", "spiffe://backupctl/user/admin"},
      {"spiffe://backupctl/user/Admin"},
  };
  for (const std::vector<std::string>& uris : kCases) {
    EXPECT_THAT(Ask(authority_.IssueClient(uris)), IsOkAndHolds(std::string("anonymous")));
  }
}

TEST_F(TlsTest, ACommonNameIsNoIdentity) {
  Serve(authority_.IssueServer());
  CertificateSpec spec = Authority::Spec("spiffe://backupctl/user/admin");
  spec.dns_names = {"spiffe://backupctl/user/admin"};
  spec.client_auth = true;
  EXPECT_THAT(Ask(authority_.Issue(spec)), IsOkAndHolds(std::string("anonymous")));
}

TEST_F(TlsTest, AnErrorArrivesWithItsDetailsAlsoAtFullSize) {
  Serve(authority_.IssueServer());
  service_.error = PolicyNotFound("x");
  EXPECT_EQ(Ask(authority_.Anonymous()).status(), service_.error);
  for (const char* const filling : {"x", "日本"}) {
    std::vector<absl::Status> errors;
    for (int i = 0; i < 300; ++i) {
      std::string why;
      for (int j = 0; j < i % 50; ++j) why += filling;
      errors.push_back(InvalidField(absl::StrCat("spec.field", i), why));
    }
    service_.error = JoinErrors(errors);
    const absl::StatusOr<std::string> answer = Ask(authority_.Anonymous());
    EXPECT_THAT(answer, StatusIs(absl::StatusCode::kInvalidArgument)) << "not cut by the transport";
    EXPECT_THAT(answer, HasReason("INVALID_FIELD"));
  }
}

TEST_F(TlsTest, AClientRefusesAServerOfAnotherAuthority) {
  Serve(Authority().IssueServer());
  EXPECT_THAT(Ask(authority_.Anonymous()), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(TlsTest, AnAgentsCertificateCannotServeAsController) {
  Serve(authority_.IssueClient({AgentSpiffeId("db-1")}));
  EXPECT_THAT(Ask(authority_.Anonymous()), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(TlsTest, NeitherNameNorUseAloneMakesAController) {
  CertificateSpec spec = Authority::Spec("backup-controller");
  spec.dns_names = {kControllerServerName};
  spec.client_auth = true;  // The right name, for the wrong use.
  Serve(authority_.Issue(spec));
  EXPECT_THAT(Ask(authority_.Anonymous()), StatusIs(absl::StatusCode::kUnavailable));
  TearDown();
  spec = Authority::Spec("backup-controller");
  spec.dns_names = {"127.0.0.1", "localhost"};
  spec.ip_addresses = {"127.0.0.1"};
  spec.server_auth = true;  // The right use and the address that was dialled, without the name.
  Serve(authority_.Issue(spec));
  EXPECT_THAT(Ask(authority_.Anonymous()), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(TlsTest, AServerRefusesAClientOfAnotherAuthority) {
  Serve(authority_.IssueServer());
  TlsIdentity identity = Authority().IssueClient({UserSpiffeId("admin")});
  identity.ca_certificates = authority_.Anonymous().ca_certificates;
  EXPECT_THAT(Ask(identity), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(TlsTest, AServerRefusesExpiredCertificatesAndThoseForServers) {
  Serve(authority_.IssueServer());
  CertificateSpec spec = Authority::Spec("client");
  spec.uris = {UserSpiffeId("admin")};
  spec.client_auth = true;
  spec.not_after = absl::Now() - absl::Minutes(1);
  EXPECT_THAT(Ask(authority_.Issue(spec)), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(Ask(authority_.IssueServer()), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(TlsTest, NobodyTalksWithoutTls) {
  Serve(authority_.IssueServer());
  const auto stub = v1::AgentService::NewStub(
      grpc::CreateChannel(absl::StrCat("127.0.0.1:", port_), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  v1::Agent response;
  EXPECT_EQ(stub->GetAgent(&context, v1::GetAgentRequest(), &response).error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST(PeerTest, ReadsSpiffeIds) {
  EXPECT_EQ(PeerFromSpiffeId(AgentSpiffeId("db-1")).ToString(), "agents/db-1");
  EXPECT_EQ(PeerFromSpiffeId(UserSpiffeId("admin")).ToString(), "users/admin");
  for (const char* const id :
       {"", "spiffe://backupctl/agent/", "spiffe://backupctl/agent/a/b", "spiffe://backupctl/agent/..",
        "spiffe://backupctl/agent/A", kControllerSpiffeId, "spiffe://backupctl/agents/a", "SPIFFE://backupctl/agent/a",
        "spiffe://backupctl.evil/agent/a", "xspiffe://backupctl/agent/a", "spiffe://backupctl/agent/a\n",
        "spiffe://backupctl/user/"}) {
    EXPECT_EQ(PeerFromSpiffeId(id).kind, Peer::Kind::kAnonymous) << id;
  }
  EXPECT_EQ(PeerOf(nullptr).ToString(), "anonymous");
}

TEST(LoadTlsIdentityTest, ReadsTheFilesAndNamesTheOneMissing) {
  const testing::TempDir dir;
  const std::string ca = dir.Write("ca.crt", "CA"), certificate = dir.Write("x.crt", "CERT");
  EXPECT_THAT(LoadTlsIdentity(ca, certificate, dir.File("x.key")),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("x.key")));
  const absl::StatusOr<TlsIdentity> identity = LoadTlsIdentity(ca, certificate, dir.Write("x.key", "KEY"));
  ASSERT_THAT(identity, IsOk());
  EXPECT_EQ(identity->ca_certificates, "CA");
  EXPECT_EQ(identity->certificate, "CERT");
  EXPECT_EQ(identity->private_key, "KEY");
}

}  // namespace
}  // namespace backup
