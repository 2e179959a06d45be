// SPDX-License-Identifier: Apache-2.0
// What commands do when things go wrong half-way; what they print when all is well stands in tests/golden.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "tests/golden/fake_controller.h"
#include "tests/golden/in_process_cli.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace backup::ctl {
namespace {

using ::backup::testing::FakeController;
using ::backup::testing::FakeFleet;
using ::backup::testing::InProcessCli;
using ::backup::testing::TempDir;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kConfig[] =
    "currentContext: a\ncontexts: [{name: a, controller: \"h:1\", ca: c, certificate: d, key: e}]\n";

std::string PolicyText(const std::string& name) {
  return absl::StrCat("apiVersion: backup/v1\nkind: Policy\nmetadata: {name: ", name,
                      "}\nspec: {databases: [{}], schedule: {cron: \"@daily\"}, retention: {keepLast: 3}}\n");
}

int64_t CountLines(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

class CommandsTest : public ::testing::Test {
 protected:
  void Start(FakeFleet fleet = {}) {
    controller_ = std::make_unique<FakeController>(std::move(fleet));
    cli_ = std::make_unique<InProcessCli>(controller_.get(), dir_.Write("config.yaml", kConfig));
  }

  TempDir dir_;
  std::unique_ptr<FakeController> controller_;
  std::unique_ptr<InProcessCli> cli_;
};

TEST_F(CommandsTest, ApplyTellsWhatWasDoneWhenSomeAreRefused) {
  Start();
  const std::string file = dir_.Write("two.yaml", PolicyText("a"));
  ASSERT_EQ(cli_->Run("apply " + file), ExitCode::kOk);
  dir_.Write("two.yaml", absl::StrCat(PolicyText("a"), "---\n", PolicyText("b")));
  controller_->Fail("UpdatePolicy", EtagMismatch("policies/b"));

  EXPECT_EQ(cli_->Run("apply " + file), ExitCode::kPartial);

  EXPECT_EQ(cli_->out(), "policy a unchanged\npolicy b failed\n");
  EXPECT_THAT(cli_->err(), HasSubstr("reason: ETAG_MISMATCH"));
}

TEST_F(CommandsTest, RunsToComeAreListedFromTheNextOn) {
  FakeFleet fleet;
  for (const auto& [name, seconds] :
       {std::pair("runs/later", 300), std::pair("runs/next", 100), std::pair("runs/between", 200)}) {
    v1::Run& run = *fleet.runs.add_runs();
    run.set_name(name);
    run.set_state(v1::SCHEDULED);
    run.mutable_slot_time()->set_seconds(seconds);
  }
  Start(std::move(fleet));

  ASSERT_EQ(cli_->Run("run list --state scheduled -o name"), ExitCode::kOk);

  EXPECT_EQ(cli_->out(), "runs/next\nruns/between\nruns/later\n");
}

TEST_F(CommandsTest, OutputThatCannotBeWrittenIsAFailure) {
  Start();
  cli_->environment().out.setstate(std::ios::badbit);

  EXPECT_EQ(cli_->Run("agent list"), ExitCode::kFailed);

  EXPECT_THAT(cli_->err(), HasSubstr("reason: OUTPUT_FAILED"));
}

TEST_F(CommandsTest, ApplyFailsAsAWholeWhenAllAreRefused) {
  Start();
  controller_->Fail("UpdatePolicy", EtagMismatch("policies/a"));

  EXPECT_EQ(cli_->Run("apply " + dir_.Write("a.yaml", PolicyText("a"))), ExitCode::kConflict);
  EXPECT_EQ(cli_->out(), "policy a failed\n");
}

TEST_F(CommandsTest, ApplyChangesNothingWhenTheControllerCannotCheck) {
  Start();
  controller_->Fail("ValidatePolicy", CatalogUnavailable("it is down"));

  EXPECT_EQ(cli_->Run("apply " + dir_.Write("a.yaml", PolicyText("a"))), ExitCode::kUnreachable);
  cli_->Run("get policies -o name");
  EXPECT_EQ(cli_->out(), "");
}

TEST_F(CommandsTest, ErrorsOfTheControllerGiveTheirExitCodes) {
  Start();
  controller_->Fail("ListPolicies", NotAllowed("users/x", "list policies"));
  EXPECT_EQ(cli_->Run("policy list"), ExitCode::kNotAllowed);
  controller_->Fail("ListPolicies", ClientCertificateRequired());
  EXPECT_EQ(cli_->Run("policy list"), ExitCode::kNotAllowed);
  controller_->Fail("ListPolicies", CatalogUnavailable("it is down"));
  EXPECT_EQ(cli_->Run("policy list -o json"), ExitCode::kUnreachable);
  EXPECT_EQ(nlohmann::json::parse(cli_->err())["error"]["reason"], "CATALOG_UNAVAILABLE");
}

TEST_F(CommandsTest, ListsGoOverPages) {
  FakeFleet fleet;
  for (int i = 0; i < 2500; ++i) {
    v1::Run& run = *fleet.runs.add_runs();
    run.set_name(absl::StrCat("runs/r", i));
    run.set_state(v1::SUCCEEDED);
  }
  Start(std::move(fleet));

  ASSERT_EQ(cli_->Run("run list -o name"), ExitCode::kOk);
  EXPECT_EQ(CountLines(cli_->out()), 2500);
  EXPECT_EQ(cli_->err(), "");

  ASSERT_EQ(cli_->Run("run list"), ExitCode::kOk);
  EXPECT_EQ(CountLines(cli_->out()), 51);
  EXPECT_THAT(cli_->err(), HasSubstr("the newest 50"));

  ASSERT_EQ(cli_->Run("run list -o name --limit 1200"), ExitCode::kOk);
  EXPECT_EQ(CountLines(cli_->out()), 1200);
}

TEST_F(CommandsTest, EveryRequestForARunHasItsOwnId) {
  FakeFleet fleet;
  v1::Run& run = *fleet.created.add_runs();
  run.set_name("runs/r");
  run.set_kind(v1::BACKUP);
  run.set_database("agents/db1/databases/shop");
  run.set_state(v1::PENDING);
  Start(std::move(fleet));

  ASSERT_EQ(cli_->Run("backup run agents/db1/databases/shop"), ExitCode::kOk);
  ASSERT_EQ(cli_->Run("backup run agents/db1/databases/shop --policy nightly"), ExitCode::kOk);

  const auto requests = controller_->create_run_requests();
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_THAT(requests[0].request_id(),
              ::testing::MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
  EXPECT_NE(requests[0].request_id(), requests[1].request_id());
  EXPECT_EQ(requests[1].run().policy(), "policies/nightly");
}

TEST_F(CommandsTest, NoColourWhenNotWanted) {
  FakeFleet fleet;
  fleet.agents.add_agents()->set_name("agents/db1");
  Start(std::move(fleet));
  cli_->environment().terminal = {true, true, true, 80};
  cli_->Run("agent list");
  EXPECT_THAT(cli_->out(), HasSubstr("\x1b["));

  cli_->Run("agent list --no-color");
  EXPECT_THAT(cli_->out(), Not(HasSubstr("\x1b[")));
  cli_->environment().variables["NO_COLOR"] = "1";
  cli_->Run("agent list");
  EXPECT_THAT(cli_->out(), Not(HasSubstr("\x1b[")));
  cli_->environment().variables.erase("NO_COLOR");
  cli_->environment().variables["TERM"] = "dumb";
  cli_->Run("agent list");
  EXPECT_THAT(cli_->out(), Not(HasSubstr("\x1b[")));
}

TEST_F(CommandsTest, FlagsChooseTheControllerOverContexts) {
  Start();
  Context dialled;
  cli_->environment().open_channel = [&](const Context& context) -> absl::StatusOr<std::shared_ptr<grpc::Channel>> {
    dialled = context;
    return controller_->Channel();
  };

  cli_->Run("policy list --controller other:1");
  EXPECT_EQ(dialled.controller, "other:1");
  EXPECT_EQ(dialled.ca, dir_.File("c"));

  cli_->environment().variables["BACKUPCTL_CONFIG"] = "/nonexistent/config.yaml";
  cli_->Run("policy list --controller other:2 --ca x --certificate y --key z");
  EXPECT_EQ(dialled.controller, "other:2");
  EXPECT_EQ(dialled.key, "z");

  EXPECT_EQ(cli_->Run("policy list"), ExitCode::kUsage);
  EXPECT_THAT(cli_->err(), HasSubstr("reason: NO_CONTEXT"));
}

TEST_F(CommandsTest, TheEnvironmentChoosesAContext) {
  Start();
  dir_.Write("config.yaml",
             "currentContext: a\ncontexts: [{name: a, controller: \"h:1\"}, {name: b, controller: \"h:2\"}]\n");
  cli_->environment().variables["BACKUPCTL_CONTEXT"] = "b";
  cli_->Run("context show -o name");
  EXPECT_EQ(cli_->out(), "b\n");
  cli_->Run("context show -o name --context a");
  EXPECT_EQ(cli_->out(), "a\n");
}

TEST_F(CommandsTest, InterruptedCallsEndWithTheirOwnCode) {
  Start();
  cli_->interrupt().Cancel("interrupted");
  EXPECT_EQ(cli_->Run("policy list"), ExitCode::kInterrupted);
}

}  // namespace
}  // namespace backup::ctl
