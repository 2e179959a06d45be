// SPDX-License-Identifier: Apache-2.0
#include "tests/store_contract.h"

namespace backup::testing {
namespace {

class EnrollmentStoreTest : public StoreContractTest {
 protected:
  static v1::Agent Enrolled(const std::string& name) {
    v1::Agent agent;
    agent.set_name(name);
    *agent.mutable_enroll_time() = ToProto(Now());
    *agent.mutable_certificate_expire_time() = ToProto(Now() + absl::Hours(24 * 365));
    return agent;
  }
  void Put(char digit, const std::string& agent = "agents/db1") {
    ASSERT_THAT(
        store().PutEnrollmentToken(TokenHash(digit), agent, Now() + absl::Hours(1), {TestEvent(agent, "TOKEN")}),
        IsOk());
  }
};
INSTANTIATE_STORE_CONTRACT(EnrollmentStoreTest);

TEST_P(EnrollmentStoreTest, ATokenIsFoundUntilItIsUsed) {
  Put('a');
  EXPECT_THAT(store().FindEnrollmentToken(TokenHash('a'), Now()), IsOkAndHolds(std::string("agents/db1")));
  EXPECT_THAT(store().FindEnrollmentToken(TokenHash('a'), Now()), IsOk()) << "looking does not use it up";

  EXPECT_THAT(
      store().UseEnrollmentToken(TokenHash('a'), Now(), Enrolled("agents/db1"), {TestEvent("agents/db1", "ENROLLED")}),
      IsOk());

  EXPECT_THAT(store().GetAgent("agents/db1"), IsOkAndHolds(EqualsProto(Enrolled("agents/db1"))));
  EXPECT_THAT(store().FindEnrollmentToken(TokenHash('a'), Now()), HasReason("ENROLLMENT_TOKEN_INVALID"));
  EXPECT_THAT(store().UseEnrollmentToken(TokenHash('a'), Now(), Enrolled("agents/db1"), {}),
              HasReason("ENROLLMENT_TOKEN_INVALID"));
  EXPECT_EQ(store().ListEvents("agents/db1", {})->items.size(), 2u);
}

TEST_P(EnrollmentStoreTest, AnUnknownOrExpiredOrForeignTokenIsRefusedWithoutEffect) {
  Put('a');
  const absl::Time expired = Now() + absl::Hours(1);
  for (const std::string& token : {TokenHash('b'), std::string(), std::string("\xff"), std::string("a\0", 2)}) {
    EXPECT_THAT(store().FindEnrollmentToken(token, Now()), StatusIs(absl::StatusCode::kUnauthenticated)) << token;
    EXPECT_THAT(store().UseEnrollmentToken(token, Now(), Enrolled("agents/db1"), {}),
                HasReason("ENROLLMENT_TOKEN_INVALID"))
        << token;
  }
  EXPECT_THAT(store().FindEnrollmentToken(TokenHash('a'), expired), HasReason("ENROLLMENT_TOKEN_INVALID"));
  EXPECT_THAT(store().UseEnrollmentToken(TokenHash('a'), expired, Enrolled("agents/db1"), {}),
              HasReason("ENROLLMENT_TOKEN_INVALID"));
  EXPECT_THAT(store().UseEnrollmentToken(TokenHash('a'), Now(), Enrolled("agents/db2"), {TestEvent("agents/db2")}),
              HasReason("ENROLLMENT_TOKEN_INVALID"));
  EXPECT_THAT(store().GetAgent("agents/db1"), HasReason("AGENT_NOT_FOUND"));
  EXPECT_TRUE(store().ListEvents("agents/db2", {})->items.empty());
  EXPECT_THAT(store().UseEnrollmentToken(TokenHash('a'), Now(), Enrolled("agents/db1"), {}), IsOk()) << "still unused";
}

TEST_P(EnrollmentStoreTest, PuttingATokenAgainDoesNotMakeItNew) {
  Put('a');
  ASSERT_THAT(store().UseEnrollmentToken(TokenHash('a'), Now(), Enrolled("agents/db1"), {}), IsOk());
  Put('a');
  EXPECT_THAT(store().FindEnrollmentToken(TokenHash('a'), Now()), HasReason("ENROLLMENT_TOKEN_INVALID"));
  EXPECT_EQ(store().ListEvents("agents/db1", {})->items.size(), 1u);
}

TEST_P(EnrollmentStoreTest, OnlyAHashAndAnAgentsNameAreTaken) {
  for (const std::string& token :
       {std::string("secret"), std::string(64, 'A'), std::string(64, 'g'), std::string(63, 'a')}) {
    EXPECT_THAT(store().PutEnrollmentToken(token, "agents/db1", Now(), {}), HasReason("VALUE_INVALID")) << token;
  }
  EXPECT_THAT(store().PutEnrollmentToken(TokenHash('a'), "db1", Now(), {}),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_P(EnrollmentStoreTest, EnrollingAgainKeepsWhatTheAgentReported) {
  AddAgent("db1", {"orders"});
  Put('a');
  ASSERT_THAT(store().UseEnrollmentToken(TokenHash('a'), Now(), Enrolled("agents/db1"), {}), IsOk());

  const absl::StatusOr<v1::Agent> agent = store().GetAgent("agents/db1");
  ASSERT_THAT(agent, IsOk());
  EXPECT_EQ(agent->boot_id(), "boot1");
  EXPECT_THAT(agent->enroll_time(), EqualsProto(ToProto(Now())));
  EXPECT_THAT(store().GetDatabase("agents/db1/databases/orders"), IsOk());
}

}  // namespace
}  // namespace backup::testing
