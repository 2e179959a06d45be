// SPDX-License-Identifier: Apache-2.0
#include "server/domain/policy_rules.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/domain/test_data.h"
#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using ::backup::testing::EqualsProto;
using ::backup::testing::FromText;
using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::NightlyPolicy;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(FillDefaultsTest, FillsInWhatIsDocumented) {
  v1::PolicySpec spec = FromText<v1::PolicySpec>(R"pb(databases {}
                                                      schedule { cron: "@daily" })pb");
  FillDefaults(spec);
  EXPECT_THAT(spec, EqualsProto(R"pb(
                databases { agent: "*" database: "*" }
                schedule {
                  cron: "@daily"
                  time_zone: "UTC"
                  start_deadline { seconds: 21600 }
                  overlap: SKIP
                }
                dump {
                  jobs: 1
                  compression: GZIP
                  globals: true
                  lock_timeout { seconds: 60 }
                  stall_timeout { seconds: 600 }
                  timeout { seconds: 21600 }
                }
                verify {}
                retention { minimum_good: 2 })pb"));
}

TEST(FillDefaultsTest, LeavesWhatTheUserWroteAndIsIdempotent) {
  v1::PolicySpec spec = FromText<v1::PolicySpec>(R"pb(
    databases { agent: "db1" }
    schedule {
      every { seconds: 3600 }
      time_zone: "Europe/Berlin"
      start_deadline { seconds: 60 }
    }
    dump {
      jobs: 4
      compression: NONE
      globals: false
      lock_timeout { seconds: 1 }
    }
    retention { minimum_good: 5 })pb");
  FillDefaults(spec);
  EXPECT_EQ(spec.databases(0).agent(), "db1");
  EXPECT_EQ(spec.schedule().time_zone(), "Europe/Berlin");
  EXPECT_EQ(spec.schedule().start_deadline().seconds(), 60);
  EXPECT_EQ(spec.dump().jobs(), 4);
  EXPECT_EQ(spec.dump().compression(), v1::NONE);
  EXPECT_FALSE(spec.dump().globals());
  EXPECT_EQ(spec.dump().lock_timeout().seconds(), 1);
  EXPECT_EQ(spec.retention().minimum_good(), 5);
  EXPECT_FALSE(spec.schedule().has_retry());
  spec.mutable_schedule()->mutable_retry()->set_attempts(2);
  FillDefaults(spec);
  EXPECT_EQ(spec.schedule().retry().backoff().seconds(), 60);
  v1::PolicySpec again = spec;
  FillDefaults(again);
  EXPECT_THAT(again, EqualsProto(spec));
}

TEST(ValidatePolicyTest, TakesTheExampleOfTheDesign) {
  v1::Policy policy = FromText<v1::Policy>(R"pb(
    name: "policies/nightly"
    labels { key: "tier" value: "gold" }
    spec {
      databases {
        agent: "*"
        database: "*"
        exclude: "*_tmp"
        labels { key: "env" value: "prod" }
      }
      schedule {
        cron: "0 22 * * *"
        time_zone: "Europe/Berlin"
        jitter { seconds: 600 }
        start_deadline { seconds: 21600 }
        overlap: SKIP
      }
      dump {
        jobs: 2
        compression: GZIP
        globals: true
        lock_timeout { seconds: 60 }
        timeout { seconds: 21600 }
      }
      verify { min_bytes: 1024 max_change_percent: 50 key_tables: "public.students" key_tables: "public.quest_events" }
      drill {
        cron: "0 4 15 1,4,7,10 *"
        max_duration { seconds: 1800 }
        assertions: "SELECT count(*) > 0 FROM students"
      }
      retention {
        keep_within { seconds: 2592000 }
        keep_last: 3
        keep_daily: 7
        keep_weekly: 5
        keep_monthly: 12
        minimum_good: 2
      }
      notify { channel: "oncall" on: "FAILED" on: "MISSED" on: "SUSPICIOUS" on: "RECOVERED" }
    })pb");
  FillDefaults(*policy.mutable_spec());
  EXPECT_THAT(ValidatePolicy(policy), IsOk());
}

// One way to spoil NightlyPolicy, and what must be said about it.
struct Spoilt {
  const char* merge;  // Text format, merged into the policy.
  const char* field;
  const char* why;
};

class SpoiltPolicyTest : public ::testing::TestWithParam<Spoilt> {};

TEST_P(SpoiltPolicyTest, IsRefusedAtTheField) {
  v1::Policy policy = NightlyPolicy();
  policy.MergeFrom(FromText<v1::Policy>(GetParam().merge));
  const absl::Status status = ValidatePolicy(policy);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  const std::vector<v1::ErrorInfo> infos = GetErrorInfos(status);
  ASSERT_EQ(infos.size(), 1) << status;
  EXPECT_EQ(infos[0].reason(), "INVALID_FIELD");
  EXPECT_EQ(infos[0].metadata().at("field"), GetParam().field);
  EXPECT_THAT(std::string(status.message()), HasSubstr(GetParam().why));
}

INSTANTIATE_TEST_SUITE_P(
    Each, SpoiltPolicyTest,
    ::testing::ValuesIn<Spoilt>({
        {R"pb(name: "nightly")pb", "name", "nightly"},
        {R"pb(name: "policies/Nightly")pb", "name", ""},
        {R"pb(labels { key: "" value: "x" })pb", "labels.", "not empty"},
        {R"pb(labels { key: "a\nb" value: "x" })pb", "labels.a\\nb", "no control characters"},
        {R"pb(spec { databases { agent: "DB1" } })pb", "spec.databases[1].agent", "\"DB1\" matches no agent"},
        {R"pb(spec { databases { agent: "agents/db1" } })pb", "spec.databases[1].agent", "matches no agent"},
        {R"pb(spec { databases { exclude: "x" exclude: "" } })pb", "spec.databases[1].exclude[1]", "1 to 256 bytes"},
        {R"pb(spec { databases { labels { key: "" value: "x" } } })pb", "spec.databases[1].labels.", "not empty"},
        {R"pb(spec { schedule { cron: "0 0 31 2 *" } })pb", "spec.schedule.cron", "never comes"},
        {R"pb(spec { schedule { cron: "0 25 * * *" } })pb", "spec.schedule.cron", "25 is out of range"},
        {R"pb(spec { schedule { max_running: -1 } })pb", "spec.schedule.max_running", "-1 is out of range"},
        {R"pb(spec { schedule { retry { backoff { seconds: 60 } } } })pb", "spec.schedule.retry.attempts",
         "0 is out of range"},
        {R"pb(spec {
                schedule {
                  retry {
                    attempts: 11
                    backoff { seconds: 60 }
                  }
                }
              })pb",
         "spec.schedule.retry.attempts", "11 is out of range"},
        {R"pb(spec {
                schedule {
                  retry {
                    attempts: 2
                    backoff { seconds: 3601 }
                  }
                }
              })pb",
         "spec.schedule.retry.backoff", "out of range"},
        {R"pb(spec {
                schedule {
                  not_during {
                    cron: "0 25 * * *"
                    duration { seconds: 60 }
                  }
                }
              })pb",
         "spec.schedule.not_during[0].cron", "25 is out of range"},
        {R"pb(spec {
                schedule {
                  not_during {
                    cron: "0 8 * * *"
                    duration { seconds: 59 }
                  }
                }
              })pb",
         "spec.schedule.not_during[0].duration", "out of range"},
        // From the slot to its deadline, every day.
        {R"pb(spec {
                schedule {
                  not_during {
                    cron: "0 22 * * *"
                    duration { seconds: 21600 }
                  }
                }
              })pb",
         "spec.schedule.not_during", "every slot falls into one of these spans"},
        {R"pb(spec { schedule { every { seconds: 3600 } } })pb", "spec.schedule.every", "both cron and every"},
        {R"pb(spec { schedule { time_zone: "Europe/Berln" } })pb", "spec.schedule.time_zone", "is not known"},
        {R"pb(spec { schedule { jitter { seconds: -1 } } })pb", "spec.schedule.jitter", "a negative duration"},
        {R"pb(spec { schedule { jitter { seconds: 21600 } } })pb", "spec.schedule.jitter", "start deadline"},
        {R"pb(spec { schedule { start_deadline { seconds: 59 } } })pb", "spec.schedule.start_deadline", "1m to 7d"},
        {R"pb(spec { schedule { start_deadline { seconds: 604801 } } })pb", "spec.schedule.start_deadline", "7d"},
        {R"pb(spec { dump { jobs: 65 } })pb", "spec.dump.jobs", "65 is out of range; accepted are 1 to 64"},
        {R"pb(spec { dump { jobs: -1 } })pb", "spec.dump.jobs", "-1 is out of range"},
        {R"pb(spec { dump { threads: 65 } })pb", "spec.dump.threads", "65 is out of range"},
        {R"pb(spec { dump { max_bytes_per_second: 65535 } })pb", "spec.dump.max_bytes_per_second",
         "65535 is out of range"},
        {R"pb(spec { dump { compression: 77 } })pb", "spec.dump.compression", "accepted are gzip, zstd and none"},
        {R"pb(spec { dump { lock_timeout { seconds: 86401 } } })pb", "spec.dump.lock_timeout", "1s to 1d"},
        {R"pb(spec { dump { stall_timeout { seconds: 86401 } } })pb", "spec.dump.stall_timeout", "out of range"},
        {R"pb(spec { dump { timeout { seconds: -5 } } })pb", "spec.dump.timeout", "a negative duration"},
        {R"pb(spec { verify { min_bytes: -1 } })pb", "spec.verify.min_bytes", "-1 is out of range"},
        {R"pb(spec { verify { max_change_percent: -1 } })pb", "spec.verify.max_change_percent", "out of range"},
        {R"pb(spec { verify { key_tables: "students" } })pb", "spec.verify.key_tables[0]", "form schema.name"},
        {R"pb(spec { verify { key_tables: "a.b" key_tables: "a." } })pb", "spec.verify.key_tables[1]", "schema.name"},
        {R"pb(spec { verify { key_tables: "a.b.c" } })pb", "spec.verify.key_tables[0]", "schema.name"},
        {R"pb(spec { verify { key_tables: "\"a\".b" } })pb", "spec.verify.key_tables[0]", "form schema.name"},
        {R"pb(spec { verify { key_tables: "a.b" key_tables: "a.b" } })pb", "spec.verify.key_tables[1]", "twice"},
        {R"pb(spec { drill {} })pb", "spec.drill.cron", "needs a cron expression"},
        {R"pb(spec { drill { cron: "0 0 30 2 *" } })pb", "spec.drill.cron", "never comes"},
        {R"pb(spec {
                drill {
                  cron: "@daily"
                  max_duration { seconds: 0 }
                }
              })pb",
         "spec.drill.max_duration", "range"},
        {R"pb(spec { drill { cron: "@daily" assertions: "" } })pb", "spec.drill.assertions[0]", "1 to 4096 bytes"},
        {R"pb(spec { retention { keep_daily: -1 } })pb", "spec.retention.keep_daily", "-1 is out of range"},
        {R"pb(spec { retention { keep_within { seconds: -1 } } })pb", "spec.retention.keep_within", "negative"},
        {R"pb(spec { retention { minimum_good: -1 } })pb", "spec.retention.minimum_good", "1 to 1000"},
        {R"pb(spec { notify { channel: "On Call" on: "FAILED" } })pb", "spec.notify[0].channel", "1 to 63"},
        {R"pb(spec { notify { channel: "oncall" } })pb", "spec.notify[0].on", "no kind of news"},
        {R"pb(spec { notify { channel: "oncall" on: "FAILED" on: "faled" } })pb", "spec.notify[0].on[1]", "none of"},
    }));

TEST(ValidatePolicyTest, RefusesWhatIsMissing) {
  v1::Policy policy = NightlyPolicy();
  policy.mutable_spec()->clear_databases();
  policy.mutable_spec()->mutable_schedule()->clear_cron();
  policy.mutable_spec()->mutable_retention()->set_keep_daily(0);
  std::vector<std::string> fields;
  for (const v1::ErrorInfo& info : GetErrorInfos(ValidatePolicy(policy))) {
    fields.push_back(info.metadata().at("field"));
  }
  EXPECT_THAT(fields, ElementsAre("spec.databases", "spec.schedule", "spec.retention"));
}

TEST(ValidatePolicyTest, IntervalsAreWholeSecondsFromAMinuteUp) {
  v1::Policy policy = NightlyPolicy();
  policy.mutable_spec()->mutable_schedule()->clear_cron();
  policy.mutable_spec()->mutable_schedule()->mutable_every()->set_seconds(60);
  EXPECT_THAT(ValidatePolicy(policy), IsOk());
  policy.mutable_spec()->mutable_schedule()->mutable_every()->set_nanos(1);
  EXPECT_THAT(std::string(ValidatePolicy(policy).message()), HasSubstr("not a whole number of seconds"));
  policy.mutable_spec()->mutable_schedule()->mutable_every()->set_seconds(59);
  EXPECT_THAT(std::string(ValidatePolicy(policy).message()), HasSubstr("out of range"));
}

TEST(ValidatePolicyTest, SpansThatLeaveASlotOfTheYearFreeAreAccepted) {
  v1::Policy policy = NightlyPolicy();
  v1::ScheduleSpec& schedule = *policy.mutable_spec()->mutable_schedule();
  v1::ExclusionWindow& window = *schedule.add_not_during();
  window.set_cron("0 22 * * 0-5");  // Every night but Saturday's.
  *window.mutable_duration() = ToProto(absl::Hours(6));
  schedule.set_overlap(v1::QUEUE_ONE);
  schedule.set_max_running(3);
  EXPECT_THAT(ValidatePolicy(policy), IsOk());
  // A week in which a thousand slots and more fall.
  schedule.set_cron("* * * * *");
  window.set_cron("0 0 1 1 *");
  *window.mutable_duration() = ToProto(absl::Hours(7 * 24));
  EXPECT_THAT(ValidatePolicy(policy), IsOk());
  // Thousands of spans, which end before the year does.
  schedule.set_cron("2 0 * * *");
  *schedule.mutable_start_deadline() = ToProto(absl::Minutes(1));
  window.set_cron("*/5 * * 1-6 *");
  *window.mutable_duration() = ToProto(absl::Minutes(4));
  EXPECT_THAT(ValidatePolicy(policy), IsOk());
}

TEST(ValidatePolicyTest, SpansThatLeaveNoSlotAnyTimeAreRefused) {
  struct Case {
    const char* slots;
    absl::Duration start_deadline;
    const char* spans;
    absl::Duration length;
  };
  for (const Case& c : {Case{"0 22 * * *", absl::Hours(6), "* * * * *", absl::Hours(7 * 24)},
                        Case{"0 22 * * *", absl::Hours(6), "0 0 * * *", absl::Hours(24)},
                        Case{"0 22 * * *", absl::Hours(3), "0 0 * * *", absl::Hours(25)},
                        Case{"0 22 * * *", absl::Hours(6), "0 * * * *", absl::Hours(1)},
                        Case{"0 * * * *", absl::Minutes(30), "0 * * * *", absl::Minutes(45)}}) {
    v1::Policy policy = NightlyPolicy();
    v1::ScheduleSpec& schedule = *policy.mutable_spec()->mutable_schedule();
    schedule.set_cron(c.slots);
    *schedule.mutable_start_deadline() = ToProto(c.start_deadline);
    v1::ExclusionWindow& window = *schedule.add_not_during();
    window.set_cron(c.spans);
    *window.mutable_duration() = ToProto(c.length);
    EXPECT_THAT(std::string(ValidatePolicy(policy).message()), HasSubstr("every slot falls")) << c.spans;
    *window.mutable_duration() = ToProto(c.length / 3);
    EXPECT_EQ(ValidatePolicy(policy).ok(), c.length < absl::Hours(100)) << c.spans;
  }
}

TEST(ValidatePolicyTest, HintsAtWhatWasMeant) {
  v1::Policy policy = NightlyPolicy();
  policy.mutable_spec()->mutable_schedule()->set_time_zone("Europe/Berln");
  EXPECT_EQ(ErrorHint(ValidatePolicy(policy)), "did you mean Europe/Berlin?");
  policy = NightlyPolicy();
  policy.mutable_spec()->add_notify()->set_channel("oncall");
  policy.mutable_spec()->mutable_notify(0)->add_on("faled");
  EXPECT_EQ(ErrorHint(ValidatePolicy(policy)), "did you mean FAILED?");
}

TEST(ValidatePolicyTest, SaysAllAtOnceButIsBounded) {
  v1::Policy policy = NightlyPolicy();
  for (int i = 0; i < 1000; ++i) {
    policy.mutable_spec()->mutable_verify()->add_key_tables("no_schema");
  }
  EXPECT_EQ(GetErrorInfos(ValidatePolicy(policy)).size(), 20);
}

TEST(ApplyPolicyMaskTest, AnEmptyMaskTakesLabelsAndSpecButNoOutputOnlyField) {
  v1::Policy current = NightlyPolicy();
  current.set_etag("7");
  v1::Policy update = FromText<v1::Policy>(R"pb(
    name: "policies/other"
    etag: "8"
    database_count: 9
    labels { key: "a" value: "b" }
    spec { dump { jobs: 3 } })pb");
  const absl::StatusOr<v1::Policy> result = ApplyPolicyMask(current, update, {});
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->name(), "policies/nightly");
  EXPECT_EQ(result->etag(), "7");
  EXPECT_EQ(result->database_count(), 0);
  EXPECT_EQ(result->labels().size(), 1);
  EXPECT_EQ(result->labels().at("a"), "b");
  EXPECT_THAT(result->spec(), EqualsProto("dump { jobs: 3 }"));
}

TEST(ApplyPolicyMaskTest, TakesOneFieldAndClearsWhatIsUnset) {
  const v1::Policy current = NightlyPolicy();
  v1::Policy update;
  update.mutable_spec()->mutable_schedule()->set_cron("0 3 * * *");
  google::protobuf::FieldMask mask;
  mask.add_paths("spec.schedule.cron");
  mask.add_paths("spec.retention.keep_daily");
  const absl::StatusOr<v1::Policy> result = ApplyPolicyMask(current, update, mask);
  ASSERT_THAT(result, IsOk());
  v1::Policy expected = current;
  expected.mutable_spec()->mutable_schedule()->set_cron("0 3 * * *");
  expected.mutable_spec()->mutable_retention()->clear_keep_daily();
  EXPECT_THAT(*result, EqualsProto(expected));
}

TEST(ApplyPolicyMaskTest, ReplacesListsAndMessagesAsAWhole) {
  const v1::Policy current = NightlyPolicy();
  v1::Policy update = FromText<v1::Policy>(R"pb(spec {
                                                  databases { agent: "db1" }
                                                  databases { agent: "db2" }
                                                })pb");
  google::protobuf::FieldMask mask;
  mask.add_paths("spec.databases");
  mask.add_paths("spec.dump");
  const absl::StatusOr<v1::Policy> result = ApplyPolicyMask(current, update, mask);
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->spec().databases_size(), 2);
  EXPECT_FALSE(result->spec().has_dump());
  EXPECT_EQ(result->spec().schedule().cron(), "0 22 * * *");
}

TEST(ApplyPolicyMaskTest, RefusesOtherPaths) {
  for (const char* path :
       {"name", "etag", "*", "", "spec.nothing", "database_count", "specs", "spec.databases.agent"}) {
    google::protobuf::FieldMask mask;
    mask.add_paths(path);
    const absl::Status status = ApplyPolicyMask(NightlyPolicy(), NightlyPolicy(), mask).status();
    EXPECT_THAT(status, HasReason("INVALID_FIELD")) << path;
  }
}

}  // namespace
}  // namespace backup::server
