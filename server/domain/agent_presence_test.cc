// SPDX-License-Identifier: Apache-2.0
#include "server/domain/agent_presence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/domain/agent_state.h"
#include "server/domain/test_data.h"

namespace backup::server {
namespace {

using ::backup::testing::AgentSeenAt;
using ::backup::testing::At;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class AgentPresenceTest : public ::testing::Test {
 protected:
  // Looks every 30 s for so long at an agent that was last heard of at `seen`; "TYPE: message" of what is told.
  std::vector<std::string> LookFor(absl::Duration time, absl::Time seen) {
    std::vector<std::string> told;
    for (const absl::Time end = now_ + time; now_ < end; now_ += absl::Seconds(30))
      Look(AgentSeenAt("db1", seen), told);
    return told;
  }
  // The same while it is heard of all the time.
  std::vector<std::string> LookWhileHeard(absl::Duration time) {
    std::vector<std::string> told;
    for (const absl::Time end = now_ + time; now_ < end; now_ += absl::Seconds(30))
      Look(AgentSeenAt("db1", now_), told);
    return told;
  }
  void Look(const v1::Agent& agent, std::vector<std::string>& told) {
    presence_.Listen(now_);
    for (const v1::Event& event : presence_.Changes({&agent, 1}, now_)) {
      EXPECT_EQ(event.subject(), "agents/db1");
      told.push_back(absl::StrCat(event.type(), ": ", event.message()));
    }
    presence_.Note({&agent, 1}, now_);
  }

  absl::Time now_ = At("2026-11-23T22:00:00Z");
  AgentPresence presence_{absl::Seconds(80)};
};

TEST_F(AgentPresenceTest, GoingAndComingAreToldOnceEach) {
  EXPECT_THAT(LookWhileHeard(absl::Minutes(5)), IsEmpty());
  EXPECT_THAT(LookFor(absl::Minutes(10), now_),
              ElementsAre("AGENT_OFFLINE: it has not been heard of since 2026-11-23T22:05:00Z"));
  EXPECT_THAT(LookWhileHeard(absl::Minutes(5)), ElementsAre("AGENT_ONLINE: it is heard of again"));
}

TEST_F(AgentPresenceTest, ASilenceAsShortAsAnAgentMayBeSilentIsNone) {
  LookWhileHeard(absl::Minutes(5));
  EXPECT_THAT(LookFor(kAgentSilence, now_), IsEmpty());
}

TEST_F(AgentPresenceTest, TheFirstWordOfAnAgentIsTold) {
  v1::Agent agent;
  agent.set_name("agents/db1");
  std::vector<std::string> told;
  Look(agent, told);
  EXPECT_THAT(told, IsEmpty());
  EXPECT_THAT(LookWhileHeard(absl::Minutes(1)), ElementsAre("AGENT_ONLINE: it is heard of for the first time"));
}

// As after a start, when all agents have been silent for as long as the controller was down.
TEST_F(AgentPresenceTest, SilenceFromBeforeAnybodyListenedIsNone) {
  EXPECT_THAT(LookFor(absl::Seconds(90), now_ - absl::Hours(3)), IsEmpty());
  EXPECT_THAT(LookWhileHeard(absl::Minutes(5)), IsEmpty()) << "it was not known to be away";
}

TEST_F(AgentPresenceTest, AnAgentThatStaysAwayAfterAStartIsToldWhenItComesBack) {
  EXPECT_THAT(LookFor(absl::Minutes(5), now_ - absl::Hours(3)), IsEmpty());
  EXPECT_THAT(LookWhileHeard(absl::Minutes(1)), ElementsAre("AGENT_ONLINE: it is heard of again"));
}

TEST_F(AgentPresenceTest, AClockThatIsSetBackBeginsAnew) {
  LookWhileHeard(absl::Minutes(5));
  now_ -= absl::Hours(3);
  LookWhileHeard(absl::Minutes(1));
  EXPECT_THAT(LookFor(absl::Minutes(10), now_),
              ElementsAre("AGENT_OFFLINE: it has not been heard of since 2026-11-23T19:06:00Z"));
}

TEST_F(AgentPresenceTest, AfterAPauseOfTheListenerAgentsGetTimeToBeHeardOf) {
  LookWhileHeard(absl::Minutes(5));
  const absl::Time seen = now_;
  now_ += absl::Minutes(10);
  EXPECT_THAT(LookFor(absl::Seconds(90), seen), IsEmpty());
  EXPECT_THAT(LookFor(absl::Minutes(2), seen),
              ElementsAre("AGENT_OFFLINE: it has not been heard of since 2026-11-23T22:05:00Z"));
}

}  // namespace
}  // namespace backup::server
