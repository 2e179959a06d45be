// SPDX-License-Identifier: Apache-2.0
// Values from outside that try to break out of their place.
#include "base/resource_name.h"
#include "tests/store_contract.h"

namespace backup::testing {
namespace {

using ::testing::ElementsAre;

class ValueStoreTest : public StoreContractTest {
 protected:
  void SetUp() override {
    StoreContractTest::SetUp();
    if (HasFatalFailure()) return;
    AddAgent("db1", {"orders"});
  }
  const std::string orders_ = "agents/db1/databases/orders";
};
INSTANTIATE_STORE_CONTRACT(ValueStoreTest);

const std::vector<std::string>& HostileTexts() {
  static const auto& texts = *new std::vector<std::string>{"'; DROP TABLE runs; --",
                                                           "\"",
                                                           "\\",
                                                           "\\'",
                                                           "{\"a\":1}",
                                                           "{,}",
                                                           "NULL",
                                                           "",
                                                           " ",
                                                           "\n\r\t\x01\x7f",
                                                           "$1",
                                                           "%s%n",
                                                           "\u202e",
                                                           "\U0001F600",
                                                           "\\u0000",
                                                           "\xc2\x85",
                                                           std::string(100000, 'x')};
  return texts;
}

TEST_P(ValueStoreTest, AnyTextComesBackAsItWas) {
  int i = 0;
  for (const std::string& text : HostileTexts()) {
    const std::string id = "r" + std::to_string(++i);
    AddRun(ManualRun(id, orders_));
    const v1::Run changed = Change("runs/" + id, [&](v1::Run& run) {
      run.set_state_reason(text);
      run.mutable_failure()->set_message(text);
      run.mutable_failure()->add_stderr_lines(text);
      run.set_attempt_id(text.substr(0, 50));
    });
    EXPECT_EQ(changed.state_reason(), text);
    EXPECT_THAT(store().GetRun("runs/" + id), IsOkAndHolds(EqualsProto(changed)));

    v1::RunLogLine line;
    line.set_text(text);
    EXPECT_THAT(store().AppendRunLog("runs/" + id, {line}), IsOkAndHolds(1));
    EXPECT_EQ(store().ListRunLog("runs/" + id, 0, 1)->at(0).text(), text);

    v1::Event event = TestEvent("subject " + text.substr(0, 1000), "T");
    event.set_message(text);
    EXPECT_THAT(store().AppendEvents({event}), IsOk());
    EXPECT_EQ(store().ListEvents(event.subject(), {})->items.at(0).message(), text);
  }
}

TEST_P(ValueStoreTest, DatabasesMayHaveAnyBytesInTheirIds) {
  const std::vector<std::string> ids = {
      "a/b", "../x", ".", "a b", "'\"\\", "-rf", "x=y", "new\nline", "\xff\xfe", "Ä", std::string("\0", 1)};
  AddAgent("db1", ids);
  for (const std::string& id : ids) {
    const std::string name = MakeDatabaseName("db1", id);
    EXPECT_THAT(store().GetDatabase(name), IsOk()) << name;
    EXPECT_THAT(store().CreateRun(ManualRun("r" + std::to_string(std::hash<std::string>()(id)), name), "", Now(), {}),
                IsOk());
    v1::RunFilter filter;
    filter.set_database(name);
    EXPECT_EQ(store().ListRuns(filter, {})->items.size(), 1u) << name;
  }
}

TEST_P(ValueStoreTest, ANulOrTextThatIsNotUtf8IsRefusedAndNothingIsDone) {
  const v1::Run before = AddRun(ManualRun("r1", orders_));
  for (const std::string& bad :
       {std::string("a\0b", 3), std::string("\xff"), std::string("\xed\xa0\x80"), std::string("\xc0\x80")}) {
    EXPECT_THAT(store().ChangeRun("runs/r1",
                                  [&](const server::RunView& view) -> absl::StatusOr<server::RunChange> {
                                    server::RunChange change{view.run, {}, {TestEvent("runs/r1")}};
                                    change.run.set_state(v1::FAILED);
                                    change.run.mutable_failure()->add_stderr_lines(bad);
                                    return change;
                                  }),
                HasReason("VALUE_INVALID"));
    EXPECT_THAT(store().CreateRun(ManualRun("r2", orders_), bad, Now(), {}), HasReason("VALUE_INVALID"));
    EXPECT_THAT(store().CreateRun(ManualRun("r2", orders_), "", Now(), {TestEvent(bad)}), HasReason("VALUE_INVALID"));
    EXPECT_THAT(store().AppendEvents({TestEvent("fine"), TestEvent(bad)}), HasReason("VALUE_INVALID"));
    v1::RunLogLine line;
    line.set_text(bad);
    EXPECT_THAT(store().AppendRunLog("runs/r1", {line}), HasReason("VALUE_INVALID"));
    server::AgentReport report;
    report.agent.set_name("agents/db1");
    (*report.agent.mutable_labels())["k"] = bad;
    EXPECT_THAT(store().RecordAgentReport(report), HasReason("VALUE_INVALID"));
    report.agent.clear_labels();
    (*report.agent.mutable_labels())[bad] = "v";
    EXPECT_THAT(store().RecordAgentReport(report), HasReason("VALUE_INVALID"));
    v1::Policy policy = TestPolicy("nightly");
    policy.mutable_spec()->mutable_verify()->add_key_tables(bad);
    EXPECT_THAT(store().ChangePolicy(policy.name(), Now(),
                                     [&](const server::PolicyView&) -> absl::StatusOr<server::PolicyChange> {
                                       server::PolicyChange change;
                                       change.put_policy = policy;
                                       return change;
                                     }),
                HasReason("VALUE_INVALID"));
    v1::RunFilter filter;
    filter.set_policy(bad);
    EXPECT_EQ(store().ListRuns(filter, {})->items.size(), 0u);
    v1::BackupFilter backups;
    backups.set_agent(bad);
    EXPECT_EQ(store().ListBackups(backups, {})->items.size(), 0u);
    EXPECT_THAT(store().ListDatabases(bad, {}), IsOk());
  }
  EXPECT_THAT(store().GetRun("runs/r1"), IsOkAndHolds(EqualsProto(before)));
  EXPECT_TRUE(store().ListEvents("", {})->items.empty());
  EXPECT_THAT(NamesOf(store().ListRuns({}, {})->items), ElementsAre("runs/r1"));
}

TEST_P(ValueStoreTest, TimesAndDurationsOutOfRangeAreRefused) {
  AddRun(ManualRun("r1", orders_));
  for (const int64_t seconds : {INT64_MAX, INT64_MIN, int64_t{253402300800}, int64_t{-62135596801}}) {
    EXPECT_THAT(store().ChangeRun("runs/r1",
                                  [&](const server::RunView& view) -> absl::StatusOr<server::RunChange> {
                                    server::RunChange change{view.run, {}, {}};
                                    change.run.mutable_end_time()->set_seconds(seconds);
                                    return change;
                                  }),
                HasReason("VALUE_INVALID"))
        << seconds;
  }
  server::AgentReport report;
  report.agent.set_name("agents/db1");
  report.agent.mutable_clock_skew()->set_seconds(INT64_MAX);
  EXPECT_THAT(store().RecordAgentReport(report), HasReason("VALUE_INVALID"));
  report.agent.mutable_clock_skew()->set_seconds(1);
  report.agent.mutable_clock_skew()->set_nanos(-1);
  EXPECT_THAT(store().RecordAgentReport(report), HasReason("VALUE_INVALID"));
}

TEST_P(ValueStoreTest, TheEarliestAndLatestTimesAreKept) {
  AddRun(ManualRun("r1", orders_));
  const v1::Run changed = Change("runs/r1", [](v1::Run& run) {
    run.mutable_not_before_time()->set_seconds(-62135596800);
    run.mutable_start_deadline_time()->set_seconds(253402300799);
    run.mutable_start_deadline_time()->set_nanos(999999000);
  });
  EXPECT_THAT(store().GetRun("runs/r1"), IsOkAndHolds(EqualsProto(changed)));
}

TEST_P(ValueStoreTest, TimesThatListsUseAreKeptToTheMicrosecond) {
  AddRun(ManualRun("r1", orders_));
  const v1::Run changed = Change("runs/r1", [](v1::Run& run) {
    *run.mutable_lease_end_time() = ToProto(Now() + absl::Nanoseconds(123456789));
    *run.mutable_start_time() = ToProto(Now() + absl::Nanoseconds(123456789));
  });
  EXPECT_EQ(changed.lease_end_time().nanos(), 123456000);
  EXPECT_EQ(changed.start_time().nanos(), 123456789);
  EXPECT_THAT(store().GetRun("runs/r1"), IsOkAndHolds(EqualsProto(changed)));
}

TEST_P(ValueStoreTest, ValuesOfANewerProgramAreKept) {
  AddRun(ManualRun("r1", orders_));
  const v1::Run changed = Change("runs/r1", [](v1::Run& run) {
    run.mutable_progress()->set_phase(static_cast<v1::RunPhase>(99));
    run.mutable_failure()->set_cause(static_cast<v1::FailureCause>(98));
  });
  EXPECT_THAT(store().GetRun("runs/r1"), IsOkAndHolds(EqualsProto(changed)));
}

TEST_P(ValueStoreTest, StatesAndKindsThatNobodyKnowsAreRefused) {
  v1::Run run = ManualRun("r1", orders_);
  run.set_state(static_cast<v1::RunState>(99));
  EXPECT_THAT(store().CreateRun(run, "", Now(), {}), HasReason("VALUE_INVALID"));
  run.set_state(v1::RUN_STATE_UNSPECIFIED);
  EXPECT_THAT(store().CreateRun(run, "", Now(), {}), HasReason("VALUE_INVALID"));
  run = ManualRun("r1", orders_);
  run.set_kind(static_cast<v1::RunKind>(99));
  EXPECT_THAT(store().CreateRun(run, "", Now(), {}), HasReason("VALUE_INVALID"));
  run = ManualRun("r1", "no name");
  EXPECT_THAT(store().CreateRun(run, "", Now(), {}), HasReason("INVALID_RESOURCE_NAME"));
}

}  // namespace
}  // namespace backup::testing
