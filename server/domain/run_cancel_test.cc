// SPDX-License-Identifier: Apache-2.0
#include "server/domain/run_cancel.h"

#include <gtest/gtest.h>

#include "server/domain/test_data.h"
#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using ::backup::testing::At;
using ::backup::testing::EqualsProto;
using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::NightlyRun;

const char kAdmin[] = "users/admin";

TEST(RunCancelTest, WhatNoAgentHoldsIsCancelledAtOnce) {
  RunView view;
  view.run = NightlyRun(v1::PENDING);
  const absl::Time now = At("2026-11-23T22:01:00Z");
  const absl::StatusOr<RunChange> change = CancelRun(view, kAdmin, "maintenance\x1b", now);
  ASSERT_THAT(change, IsOk());
  EXPECT_EQ(change->run.state(), v1::CANCELLED);
  EXPECT_EQ(change->run.state_reason(), "cancelled by users/admin: maintenance\\x1b");
  EXPECT_EQ(ToAbsl(change->run.end_time()), now);
  EXPECT_EQ(change->events.at(0).type(), "RUN_CANCELLED");
  EXPECT_EQ(change->events.at(0).actor(), kAdmin);
}

TEST(RunCancelTest, WhatAnAgentHoldsIsAskedFor) {
  for (const v1::RunState state : {v1::SCHEDULED, v1::PENDING, v1::RUNNING}) {
    RunView view;
    view.run = NightlyRun(state);
    view.run.set_delivered(true);
    absl::StatusOr<RunChange> change = CancelRun(view, kAdmin, "", At("2026-11-23T22:01:00Z"));
    ASSERT_THAT(change, IsOk());
    EXPECT_EQ(change->run.state(), state);
    EXPECT_TRUE(change->run.cancel_requested());
    EXPECT_EQ(change->events.at(0).type(), "RUN_CANCEL_REQUESTED");
    // Asked again, nothing more happens.
    view.run = change->run;
    change = CancelRun(view, "users/other", "", At("2026-11-23T22:02:00Z"));
    ASSERT_THAT(change, IsOk());
    EXPECT_THAT(change->run, EqualsProto(view.run));
    EXPECT_TRUE(change->events.empty());
  }
}

TEST(RunCancelTest, WhatHasEndedIsRefused) {
  RunView view;
  view.run = NightlyRun(v1::SUCCEEDED);
  EXPECT_THAT(CancelRun(view, kAdmin, "", At("2026-11-23T22:01:00Z")), HasReason("RUN_ALREADY_ENDED"));
}

}  // namespace
}  // namespace backup::server
