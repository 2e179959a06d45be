// SPDX-License-Identifier: Apache-2.0
#include "base/proto_json.h"

#include <gtest/gtest.h>

#include "backup/v1/agent.pb.h"
#include "tests/testing/matchers.h"

namespace backup {
namespace {

using ::backup::testing::EqualsProto;
using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::StatusIs;
using ::testing::HasSubstr;

constexpr int64_t kMaxDurationSeconds = 315'576'000'000;

TEST(ProtoJsonTest, WritesLowerCamelCaseAndReadsItBack) {
  v1::Database database;
  database.set_display_name("größe");
  database.set_size_bytes(int64_t{1} << 60);
  database.mutable_update_time()->set_seconds(1'795'471'200);
  const std::string json = ToJson(database);
  EXPECT_EQ(
      json,
      "{\"displayName\":\"größe\",\"sizeBytes\":\"1152921504606846976\",\"updateTime\":\"2026-11-23T22:00:00Z\"}");
  EXPECT_THAT(ToJson(database, true), HasSubstr("\n \"sizeBytes\": "));
  v1::Database read;
  ASSERT_THAT(FromJson(json, &read), IsOk());
  EXPECT_THAT(read, EqualsProto(database));
}

TEST(ProtoJsonTest, RefusesWhatIsNotTheMessage) {
  for (const std::string& json :
       {std::string(), std::string("["), std::string("[]"), std::string("{\"unknown\":1}"),
        std::string("{\"sizeBytes\":\"many\"}"), std::string("{\"sizeBytes\":1e400}"),
        std::string("{\"sizeBytes\":9223372036854775808}"), std::string("{\"labels\":[]}"), std::string("{} {}"),
        std::string(100'000, '['), std::string("{\"updateTime\":\"yesterday\"}"),
        std::string("{\"problem\":\"\xff\"}")}) {
    v1::Database database;
    EXPECT_THAT(FromJson(json, &database), StatusIs(absl::StatusCode::kInvalidArgument)) << json.substr(0, 40);
    EXPECT_THAT(FromJson(json, &database), HasReason("JSON_INVALID")) << json.substr(0, 40);
  }
}

TEST(ProtoJsonTest, ReplacesWhatTheMessageHeld) {
  v1::Database database;
  database.set_problem("old");
  ASSERT_THAT(FromJson("{\"displayName\":\"x\"}", &database), IsOk());
  EXPECT_THAT(database, EqualsProto("display_name: 'x'"));
}

TEST(ProtoTimeTest, ConvertsBothWays) {
  const absl::Time time = absl::FromUnixNanos(1'795'471'200'123'456'789);
  EXPECT_EQ(ToAbsl(ToProto(time)), time);
  EXPECT_EQ(ToAbsl(ToProto(absl::FromUnixNanos(-1))), absl::FromUnixNanos(-1));
  EXPECT_THAT(ToProto(absl::FromUnixNanos(-1)), EqualsProto("seconds: -1 nanos: 999999999"));
  for (const absl::Duration duration : {absl::ZeroDuration(), absl::Seconds(90), absl::Milliseconds(-1500)}) {
    EXPECT_EQ(ToAbsl(ToProto(duration)), duration);
  }
  EXPECT_THAT(ToProto(absl::Milliseconds(-1500)), EqualsProto("seconds: -1 nanos: -500000000"));
}

TEST(ProtoTimeTest, KeepsWithinWhatTheTypesAllow) {
  EXPECT_EQ(ToProto(absl::InfiniteFuture()).seconds(), 253'402'300'799);
  EXPECT_EQ(ToProto(absl::InfinitePast()).seconds(), -62'135'596'800);
  EXPECT_EQ(ToProto(absl::InfiniteDuration()).seconds(), kMaxDurationSeconds);
  EXPECT_EQ(ToProto(-absl::InfiniteDuration()).seconds(), -kMaxDurationSeconds);
}

}  // namespace
}  // namespace backup
