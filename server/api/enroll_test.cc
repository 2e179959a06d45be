// SPDX-License-Identifier: Apache-2.0
#include "server/api/enroll.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "backup/v1/agent_control_service.grpc.pb.h"
#include "backup/v1/agent_service.grpc.pb.h"
#include "base/proto_json.h"
#include "base/x509.h"
#include "server/api/api_test_server.h"
#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::testing::ElementsAre;
using AgentControlServiceStub = v1::AgentControlService::Stub;

class EnrollTest : public ::testing::Test {
 protected:
  EnrollTest() : key_(*GeneratePrivateKey()), csr_(*CreateCsr(key_)) {}

  // The secret of a token as a user gets it.
  std::string NewSecret(const std::string& agent_id) {
    v1::CreateEnrollmentTokenRequest request;
    request.set_agent_id(agent_id);
    const auto users = v1::AgentService::NewStub(server_.Dial(server_.User()));
    const auto token = Call(users, &v1::AgentService::Stub::CreateEnrollmentToken, request);
    EXPECT_THAT(token, IsOk());
    return DecodeToken(token->token()).secret();
  }
  absl::StatusOr<v1::EnrollResponse> Enroll(const std::string& secret) {
    v1::EnrollRequest request;
    request.set_secret(secret);
    request.set_csr(csr_);
    return Call(stub_, &AgentControlServiceStub::Enroll, request);
  }

  ApiTestServer server_;
  const std::string key_;
  std::string csr_;
  const std::unique_ptr<AgentControlServiceStub> stub_ =
      v1::AgentControlService::NewStub(server_.Dial(server_.Anonymous()));
};

TEST_F(EnrollTest, GivesACertificateWithWhichTheAgentIsKnown) {
  const absl::StatusOr<v1::EnrollResponse> enrolled = Enroll(NewSecret("db1"));
  ASSERT_THAT(enrolled, IsOk());
  EXPECT_EQ(enrolled->agent(), "agents/db1");
  EXPECT_EQ(enrolled->ca_certificates(), server_.authority().certificate());
  const absl::StatusOr<CertificateInfo> info = ParseCertificate(enrolled->certificate());
  ASSERT_THAT(info, IsOk());
  EXPECT_THAT(info->uris, ElementsAre("spiffe://backupctl/agent/db1"));
  EXPECT_FALSE(info->is_ca);

  const auto agent =
      v1::AgentControlService::NewStub(server_.Dial({enrolled->ca_certificates(), enrolled->certificate(), key_}));
  EXPECT_THAT(Call(agent, &AgentControlServiceStub::Sync, v1::SyncRequest()), IsOk());
  EXPECT_EQ(ToAbsl(server_.store().GetAgent("agents/db1")->certificate_expire_time()), info->not_after);
}

TEST_F(EnrollTest, WritesBothStepsIntoHistory) {
  ASSERT_THAT(Enroll(NewSecret("db1")), IsOk());
  const std::vector<v1::Event> events = server_.store().events();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].type(), "ENROLLMENT_TOKEN_CREATED");
  EXPECT_EQ(events[0].actor(), "users/alice");
  EXPECT_EQ(events[1].type(), "AGENT_ENROLLED");
  EXPECT_EQ(events[1].actor(), "agents/db1");
}

TEST_F(EnrollTest, ATokenWorksOnce) {
  const std::string secret = NewSecret("db1");
  ASSERT_THAT(Enroll(secret), IsOk());
  EXPECT_THAT(Enroll(secret), HasReason("ENROLLMENT_TOKEN_INVALID"));
}

TEST_F(EnrollTest, OfManyAtOnceOneWins) {
  const std::string secret = NewSecret("db1");
  std::vector<std::future<absl::StatusOr<v1::EnrollResponse>>> racers;
  for (int i = 0; i < 32; ++i) {
    racers.push_back(std::async(std::launch::async, [&] { return Enroll(secret); }));
  }
  int winner_count = 0;
  for (auto& racer : racers) {
    const auto result = racer.get();
    winner_count += result.ok() ? 1 : 0;
    if (!result.ok()) {
      EXPECT_THAT(result, HasReason("ENROLLMENT_TOKEN_INVALID"));
    }
  }
  EXPECT_EQ(winner_count, 1);
}

TEST_F(EnrollTest, UnknownExpiredAndMalformedTokensAreNotToldApart) {
  const std::string expired = NewSecret("db1");
  server_.clock().Advance(absl::Hours(2));
  const absl::Status of_expired = Enroll(expired).status();
  EXPECT_THAT(of_expired, HasReason("ENROLLMENT_TOKEN_INVALID"));
  for (const std::string& secret :
       {std::string(), std::string(31, 'x'), std::string(32, 'x'), std::string(100000, 'x')}) {
    EXPECT_EQ(Enroll(secret).status().message(), of_expired.message());
  }
}

TEST_F(EnrollTest, ACsrThatIsNoneCostsNoToken) {
  const std::string secret = NewSecret("db1");
  for (const std::string& csr : {std::string(), std::string("nonsense"), std::string(20000, 'A')}) {
    csr_ = csr;
    EXPECT_THAT(Enroll(secret), HasReason("X509_INVALID"));
  }
  csr_ = *CreateCsr(key_);
  EXPECT_THAT(Enroll(secret), IsOk());
}

TEST_F(EnrollTest, TheCatalogNeverSeesTheSecret) {
  const std::string secret = NewSecret("db1");
  EXPECT_THAT(server_.store().FindEnrollmentToken(secret, server_.clock().Now()),
              HasReason("ENROLLMENT_TOKEN_INVALID"));
  EXPECT_THAT(server_.store().FindEnrollmentToken(Sha256Hex(secret), server_.clock().Now()), IsOk());
}

}  // namespace
}  // namespace backup::server
