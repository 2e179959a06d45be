// SPDX-License-Identifier: Apache-2.0
#include "ctl/policy_file.h"

#include <gtest/gtest.h>

#include <set>

#include "base/errors.h"
#include "base/proto_json.h"
#include "ctl/error_parts.h"
#include "ctl/policy_fields.h"
#include "ctl/policy_yaml.h"
#include "tests/testing/matchers.h"

namespace backup::ctl {
namespace {

using ::backup::testing::EqualsProto;
using ::backup::testing::IsOk;
using ::testing::HasSubstr;

// Every key there is.
constexpr char kFull[] = R"yaml(apiVersion: backup/v1
kind: Policy
metadata: {name: nightly, labels: {tier: gold}}
spec:
  databases: [{agent: "*", database: "*", exclude: ["*_tmp"], labels: {env: prod}}]
  schedule:  {cron: "0 22 * * *", every: 90m, timeZone: Europe/Berlin, jitter: 10m, startDeadline: 6h, overlap: QUEUE_ONE, paused: false, notDuring: [{cron: "0 8 * * 1-5", duration: 10h}], maxRunning: 4, retry: {attempts: 3, backoff: 90s}}
  dump:      {jobs: 2, compression: gzip, globals: true, threads: 3, maxBytesPerSecond: 50MiB, lockTimeout: 60s, stallTimeout: 10m, timeout: 6h}
  verify:    {minBytes: 1KiB, maxChange: 50%, keyTables: [public.students, public.quest_events]}
  drill:     {cron: "0 4 15 1,4,7,10 *", maxDuration: 30m, assert: ["SELECT count(*) > 0 FROM students"]}
  retention: {keepWithin: 30d, keepLast: 3, keepDaily: 7, keepWeekly: 5, keepMonthly: 12, keepYearly: 1, minimumGood: 2, maxTotalBytes: 5GiB}
  notify:    [{channel: oncall, on: [FAILED, MISSED, SUSPICIOUS, RECOVERED]}]
)yaml";

TEST(PolicyFileTest, ReadsEveryKey) {
  const auto documents = ParsePolicyFile(kFull, "full.yaml");
  ASSERT_THAT(documents, IsOk());
  ASSERT_EQ(documents->size(), 1u);
  EXPECT_THAT((*documents)[0].policy, EqualsProto(R"pb(
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
                    every { seconds: 5400 }
                    time_zone: "Europe/Berlin"
                    jitter { seconds: 600 }
                    start_deadline { seconds: 21600 }
                    overlap: QUEUE_ONE
                    not_during {
                      cron: "0 8 * * 1-5"
                      duration { seconds: 36000 }
                    }
                    max_running: 4
                    retry {
                      attempts: 3
                      backoff { seconds: 90 }
                    }
                  }
                  dump {
                    jobs: 2
                    compression: GZIP
                    globals: true
                    lock_timeout { seconds: 60 }
                    stall_timeout { seconds: 600 }
                    timeout { seconds: 21600 }
                    threads: 3
                    max_bytes_per_second: 52428800
                  }
                  verify {
                    min_bytes: 1024
                    max_change_percent: 50
                    key_tables: "public.students"
                    key_tables: "public.quest_events"
                  }
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
                    keep_yearly: 1
                    minimum_good: 2
                    max_total_bytes: 5368709120
                  }
                  notify { channel: "oncall" on: "FAILED" on: "MISSED" on: "SUSPICIOUS" on: "RECOVERED" }
                }
              )pb"));
}

TEST(PolicyFileTest, CanonicalYamlReadsBackAsTheSamePolicy) {
  const auto first = ParsePolicyFile(kFull, "full.yaml");
  ASSERT_THAT(first, IsOk());
  const std::string yaml = PolicyToYaml((*first)[0].policy);

  const auto second = ParsePolicyFile(yaml, "again.yaml");

  ASSERT_THAT(second, IsOk()) << yaml;
  EXPECT_EQ(ToJson((*second)[0].policy), ToJson((*first)[0].policy));
  EXPECT_EQ(PolicyToYaml((*second)[0].policy), yaml);
}

// What explain documents is what a file may hold, no more and no less.
TEST(PolicyFileTest, EveryKeyIsDocumentedAndEveryDocumentedKeyExists) {
  const auto documents = ParsePolicyFile(kFull, "full.yaml");
  ASSERT_THAT(documents, IsOk());
  std::set<std::string> known;
  for (const auto& [path, position] : (*documents)[0].positions) {
    if (path.empty() || path == "metadata.labels.tier" || path == "spec.databases[0].labels.env") continue;
    const PolicyField* field = FindPolicyField(path);
    ASSERT_NE(field, nullptr) << path << " is not documented";
    known.insert(field->path);
  }
  for (const PolicyField& field : PolicyFields()) {
    EXPECT_EQ(known.count(field.path), 1u) << field.path << " is no key of a file";
  }
}

TEST(PolicyFileTest, ReadsSeveralDocuments) {
  const std::string minimal = "apiVersion: backup/v1\nkind: Policy\nmetadata: {name: NAME}\nspec: {}\n";
  std::string text;
  for (const char* name : {"a", "b"}) text += "---\n" + std::string(minimal).replace(minimal.find("NAME"), 4, name);

  const auto documents = ParsePolicyFile(text, "two.yaml");

  ASSERT_THAT(documents, IsOk());
  ASSERT_EQ(documents->size(), 2u);
  EXPECT_EQ((*documents)[1].policy.name(), "policies/b");
  EXPECT_EQ((*documents)[1].Place("metadata.name"), "two.yaml:9:18");
}

struct BadInput {
  const char* name;
  const char* line;  // Replaces the line of kFull that begins alike (up to its colon).
  const char* error;
  const char* hint;
};

class BadPolicyFileTest : public ::testing::TestWithParam<BadInput> {};

TEST_P(BadPolicyFileTest, IsRefusedAtItsPlace) {
  const std::string line = GetParam().line;
  std::string text = kFull;
  const std::string key = line.substr(0, line.find(':') + 1);
  const size_t begin = text.find(key);
  ASSERT_NE(begin, std::string::npos);
  text.replace(begin, text.find('\n', begin) - begin, line);

  const auto documents = ParsePolicyFile(text, "f.yaml");

  ASSERT_EQ(documents.status().code(), absl::StatusCode::kInvalidArgument);
  ASSERT_EQ(SplitErrors(documents.status()).size(), 1u) << documents.status();
  EXPECT_EQ(std::string(documents.status().message()).substr(0, std::string(GetParam().error).size()),
            GetParam().error);
  EXPECT_THAT(ErrorHint(documents.status()), HasSubstr(GetParam().hint));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadPolicyFileTest,
    ::testing::Values(
        BadInput{"UnknownKey", "  dump:      {jbos: 2}", "f.yaml:7:15: spec.dump.jbos: unknown key",
                 "did you mean \"jobs\"?"},
        BadInput{"UnknownTopKey", "kind: Policy\nspce: {}", "f.yaml:3:1: spce: unknown key", "did you mean \"spec\"?"},
        BadInput{"DuplicateKey", "  dump:      {jobs: 2, jobs: 3}", "f.yaml:7:24: ", ""},
        BadInput{"Anchor", "  dump:      &d {jobs: 2}", "f.yaml:7:14: ", ""},
        BadInput{"Alias", "  dump:      *d", "f.yaml:7:14: ", ""},
        BadInput{"Tag", "  dump:      !!map {jobs: 2}", "f.yaml:7:14: ", ""},
        BadInput{"UnquotedCron", "  schedule:  {cron: */5 * * * *}", "f.yaml:6:21: ", "quote the cron expression"},
        BadInput{"UnquotedStar", "  databases: [{database: *}]", "f.yaml:5:26: ", "quote"},
        BadInput{"DurationWithoutUnit", "  schedule:  {cron: \"@daily\", jitter: 10}",
                 "f.yaml:6:39: spec.schedule.jitter: duration \"10\" has no unit",
                 "write 10d for days, 10h, 10m or 10s"},
        BadInput{"DurationWithWrongUnit", "  schedule:  {every: 1hour}", "f.yaml:6:22: spec.schedule.every: ", "6h"},
        BadInput{"SizeWithWrongUnit", "  verify:    {minBytes: 1Kb}", "f.yaml:8:25: spec.verify.minBytes: ", "64KiB"},
        BadInput{"PercentWithoutSign", "  verify:    {maxChange: 50}", "f.yaml:8:26: spec.verify.maxChange: ", "50%"},
        BadInput{"WordForNumber", "  retention: {keepLast: many}",
                 "f.yaml:10:25: spec.retention.keepLast: must be a whole number", ""},
        BadInput{"QuotedNumber", "  retention: {keepLast: \"3\"}",
                 "f.yaml:10:25: spec.retention.keepLast: must be a number", "remove the quotes"},
        BadInput{"NoJobs", "  dump:      {jobs: 0}", "f.yaml:7:21: spec.dump.jobs: must be a whole number from 1 to 64",
                 ""},
        BadInput{"NothingEverKept", "  retention: {keepLast: 1, minimumGood: 0}",
                 "f.yaml:10:41: spec.retention.minimumGood: must be a whole number from 1", ""},
        BadInput{"UnknownCodec", "  dump:      {compression: gz}",
                 "f.yaml:7:28: spec.dump.compression: must be one of gzip, zstd, none", ""},
        BadInput{"UnknownOverlap", "  schedule:  {cron: \"@daily\", overlap: QUEUE}",
                 "f.yaml:6:40: spec.schedule.overlap: must be one of SKIP", ""},
        BadInput{"YesForTrue", "  schedule:  {cron: \"@daily\", paused: yes}",
                 "f.yaml:6:39: spec.schedule.paused: must be true or false", ""},
        BadInput{"ListOfTextForMaps", "  databases: [shop]", "f.yaml:5:15: spec.databases[0]: must be a map", ""},
        BadInput{"MapForList", "  databases: {database: shop}", "f.yaml:5:3: spec.databases: must be a list of maps",
                 ""},
        BadInput{"TextForList", "  verify:    {keyTables: public.students}",
                 "f.yaml:8:26: spec.verify.keyTables: must be a list", ""},
        BadInput{"ListForText", "  schedule:  {cron: [\"@daily\"]}", "f.yaml:6:15: spec.schedule.cron: must be a text",
                 ""},
        BadInput{"MapInListOfText", "  verify:    {keyTables: [{a: b}]}",
                 "f.yaml:8:27: spec.verify.keyTables[0]: must be a text", ""},
        BadInput{"WrongVersion", "apiVersion: backup/v2", "f.yaml:1:13: apiVersion: must be one of backup/v1", ""},
        BadInput{"WrongKind", "kind: Polcy", "f.yaml:2:7: kind: must be one of Policy", "did you mean \"Policy\"?"},
        BadInput{"NoName", "metadata: {labels: {}}", "f.yaml:3:1: metadata: the policy has no name", "metadata.name"},
        BadInput{"BadName", "metadata: {name: Nightly_1}", "f.yaml:3:18: metadata.name: \"Nightly_1\" is no name",
                 "[a-z0-9-]"}),
    [](const ::testing::TestParamInfo<BadInput>& info) { return info.param.name; });

TEST(PolicyFileTest, TellsAllThatIsWrongAtOnce) {
  const auto documents =
      ParsePolicyFile("apiVersion: backup/v1\nkind: Policy\nspec: {dmup: {}, schedule: {jitter: x}}\n", "f.yaml");

  const std::vector<absl::Status> errors = SplitErrors(documents.status());

  ASSERT_EQ(errors.size(), 3u) << documents.status();
  EXPECT_THAT(std::string(errors[0].message()), HasSubstr("f.yaml:1:1: a policy needs metadata"));
  EXPECT_THAT(std::string(errors[1].message()), HasSubstr("f.yaml:3:8: spec.dmup: unknown key"));
  EXPECT_THAT(std::string(errors[2].message()), HasSubstr("f.yaml:3:37: spec.schedule.jitter: "));
}

TEST(PolicyFileTest, RefusesWhatIsNoMap) {
  EXPECT_EQ(ParsePolicyFile("- a\n- b\n", "f.yaml").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ParsePolicyFile("just text\n", "f.yaml").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ParsePolicyFile("{", "f.yaml").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ParsePolicyFile("\xff\xfe", "f.yaml").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(PolicyFileTest, NoDocumentIsNoPolicy) {
  const auto documents = ParsePolicyFile("# nothing here\n", "f.yaml");
  ASSERT_THAT(documents, IsOk());
  EXPECT_TRUE(documents->empty());
}

TEST(AtPlaceInFileTest, TellsTheControllersErrorsWhereTheFileHasThem) {
  const auto documents = ParsePolicyFile(kFull, "f.yaml");
  ASSERT_THAT(documents, IsOk());
  const absl::Status status =
      JoinErrors({InvalidField("spec.schedule.time_zone", "is not known", "did you mean Europe/Rome?"),
                  InvalidField("spec.verify.max_change_percent", "is too large"),
                  InvalidField("spec.drill.assertions[0]", "is no SQL"), InvalidField("labels.tier", "is odd"),
                  InvalidField("spec.databases[0].exclude[0]", "is no glob"),
                  InvalidField("spec.databases[4].agent", "is no glob")});

  const std::vector<absl::Status> errors = SplitErrors(AtPlaceInFile(status, (*documents)[0]));

  ASSERT_EQ(errors.size(), 6u);
  EXPECT_EQ(errors[0].message(), "f.yaml:6:57: spec.schedule.timeZone: is not known");
  EXPECT_EQ(ErrorHint(errors[0]), "did you mean Europe/Rome?");
  EXPECT_EQ(errors[1].message(), "f.yaml:8:42: spec.verify.maxChange: is too large");
  EXPECT_EQ(errors[2].message(), "f.yaml:9:69: spec.drill.assert[0]: is no SQL");
  EXPECT_EQ(errors[3].message(), "f.yaml:3:42: metadata.labels.tier: is odd");
  EXPECT_EQ(errors[4].message(), "f.yaml:5:53: spec.databases[0].exclude[0]: is no glob");
  EXPECT_EQ(errors[5].message(), "f.yaml:5:3: spec.databases[4].agent: is no glob");
}

TEST(AtPlaceInFileTest, LeavesOtherErrorsAlone) {
  const absl::Status status = CatalogUnavailable("it is down");
  EXPECT_EQ(AtPlaceInFile(status, PolicyDocument()), status);
}

}  // namespace
}  // namespace backup::ctl
