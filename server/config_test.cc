// SPDX-License-Identifier: Apache-2.0
#include "server/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace backup::server {
namespace {

using ::backup::testing::HasHint;
using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::IsOkAndHolds;
using ::backup::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;

class ConfigTest : public ::testing::Test {
 protected:
  absl::Status Read(const std::string& body) {
    path_ = dir_.Write("controller.yaml", "apiVersion: backup/v1\nkind: ControllerConfig\n" + body);
    return ReadConfigFile(path_, options_);
  }
  std::string WriteSecret(const std::string& contents, int mode = 0600) {
    const std::string path = dir_.Write("catalog", contents);
    EXPECT_EQ(chmod(path.c_str(), mode), 0);
    return path;
  }

  testing::TempDir dir_;
  std::string path_;
  ControllerOptions options_;
};

TEST_F(ConfigTest, ReadsEveryKey) {
  ASSERT_THAT(Read("dataDirectory: /data\nlisten: 0.0.0.0:7443\nadvertise: backup.example:7443\n"
                   "catalog: postgresql://db.example/catalog\ncatalogUser: pg\nleaseDuration: 2m\n"
                   "progressInterval: 5s\nhistoryAge: 90d\nmaxRunningRuns: 40\nlogLevel: warning\n"),
              IsOk());
  EXPECT_EQ(options_.data_directory, "/data");
  EXPECT_EQ(options_.listen, "0.0.0.0:7443");
  EXPECT_EQ(options_.advertise, "backup.example:7443");
  EXPECT_EQ(options_.catalog_url, "postgresql://db.example/catalog");
  EXPECT_EQ(options_.catalog_user, "pg");
  EXPECT_EQ(options_.lease_duration, absl::Minutes(2));
  EXPECT_EQ(options_.progress_interval, absl::Seconds(5));
  EXPECT_EQ(options_.history_age, absl::Hours(24 * 90));
  EXPECT_EQ(options_.max_running_runs, 40);
  EXPECT_EQ(options_.log_level, LogLevel::kWarning);
  EXPECT_THAT(CheckOptions(options_), IsOk());
}

TEST_F(ConfigTest, WhatTheFileDoesNotSayStays) {
  options_.listen = "127.0.0.1:1";
  ASSERT_THAT(Read("dataDirectory: /data\n"), IsOk());
  EXPECT_EQ(options_.listen, "127.0.0.1:1");
}

TEST_F(ConfigTest, TellsEveryMistakeWithItsPlace) {
  const absl::Status status = Read("lissten: 127.0.0.1:1\nleaseDuration: 60\nlogLevel: loud\n");
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument,
                               AllOf(HasSubstr(path_ + ":3:1"), HasSubstr(path_ + ":4:"), HasSubstr(path_ + ":5:"))));
  EXPECT_THAT(status, HasHint(HasSubstr("listen")));
}

TEST_F(ConfigTest, WantsItsKindAndVersion) {
  const std::string path = dir_.Write("other.yaml", "listen: 127.0.0.1:1\n");
  EXPECT_THAT(ReadConfigFile(path, options_),
              StatusIs(absl::StatusCode::kInvalidArgument, AllOf(HasSubstr("apiVersion"), HasSubstr("kind"))));
  const std::string policy = dir_.Write("policy.yaml", "apiVersion: backup/v1\nkind: Policy\n");
  EXPECT_THAT(ReadConfigFile(policy, options_), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(ConfigTest, WantsOneDocument) {
  const std::string path = dir_.Write("two.yaml", "kind: A\n---\nkind: B\n");
  EXPECT_THAT(ReadConfigFile(path, options_), HasReason("YAML_INVALID"));
  EXPECT_THAT(ReadConfigFile(dir_.File("none.yaml"), options_), HasReason("FILE_NOT_FOUND"));
}

TEST_F(ConfigTest, RefusesAPasswordInTheFile) {
  const absl::Status status = Read("catalog: postgresql://u:canary@h/c\n");
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("password")));
  EXPECT_EQ(status.ToString().find("canary"), std::string::npos);
}

TEST_F(ConfigTest, TakesThePasswordFromAFileOfItsOwn) {
  const std::string secret = WriteSecret("postgresql://u:pw@h/c\n");
  ASSERT_THAT(Read("catalogFile: " + secret + "\n"), IsOk());
  EXPECT_EQ(options_.catalog_url, "postgresql://u:pw@h/c");
  EXPECT_THAT(Read("catalogFile: " + secret + "\ncatalog: postgresql://h/c\n"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("catalog is given too")));
}

TEST_F(ConfigTest, RefusesASecretThatOthersCanRead) {
  EXPECT_THAT(ReadCatalogFile(WriteSecret("postgresql://u:pw@h/c", 0644)), HasReason("SECRET_FILE_EXPOSED"));
  EXPECT_THAT(ReadCatalogFile(WriteSecret("postgresql://u:pw@h/c", 0600)), IsOkAndHolds("postgresql://u:pw@h/c"));
  EXPECT_THAT(ReadCatalogFile(WriteSecret("")), HasReason("CATALOG_URL_INVALID"));
  EXPECT_THAT(ReadCatalogFile(WriteSecret("a\nb\n")), HasReason("CATALOG_URL_INVALID"));
}

struct OptionsCase {
  std::string name;
  void (*change)(ControllerOptions&);
  std::string field;  // Of the error; empty when all is well.
};

class CheckOptionsTest : public ::testing::TestWithParam<OptionsCase> {};

TEST_P(CheckOptionsTest, NamesTheFieldThatIsWrong) {
  ControllerOptions options;
  GetParam().change(options);
  const absl::Status status = CheckOptions(options);
  if (GetParam().field.empty()) {
    EXPECT_THAT(status, IsOk());
  } else {
    ASSERT_THAT(status, HasReason("INVALID_FIELD"));
    EXPECT_EQ(GetErrorInfos(status)[0].metadata().at("field"), GetParam().field);
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, CheckOptionsTest,
    ::testing::Values(
        OptionsCase{"Defaults", [](ControllerOptions&) {}, ""},
        OptionsCase{"RelativeDataDirectory", [](ControllerOptions& o) { o.data_directory = "data"; }, "data-dir"},
        OptionsCase{"NoPort", [](ControllerOptions& o) { o.listen = "127.0.0.1"; }, "listen"},
        OptionsCase{"AnyPort", [](ControllerOptions& o) { o.listen = "127.0.0.1:0"; }, ""},
        OptionsCase{"Ipv6", [](ControllerOptions& o) { o.listen = "[::1]:7443"; }, ""},
        OptionsCase{"AdvertisedWildcard", [](ControllerOptions& o) { o.advertise = "0.0.0.0:7443"; }, "advertise"},
        OptionsCase{"AdvertisedPort0", [](ControllerOptions& o) { o.advertise = "host:0"; }, "advertise"},
        OptionsCase{"ShortLease", [](ControllerOptions& o) { o.lease_duration = absl::Seconds(2); }, "lease-duration"},
        OptionsCase{"LongLease", [](ControllerOptions& o) { o.lease_duration = absl::Hours(2); }, "lease-duration"},
        OptionsCase{"RareProgress", [](ControllerOptions& o) { o.progress_interval = absl::Seconds(21); },
                    "progress-interval"},
        OptionsCase{"ShortHistory", [](ControllerOptions& o) { o.history_age = absl::Hours(24 * 30 - 1); },
                    "history-age"},
        OptionsCase{"FrequentProgress", [](ControllerOptions& o) { o.progress_interval = absl::Milliseconds(99); },
                    "progress-interval"}),
    [](const ::testing::TestParamInfo<OptionsCase>& info) { return info.param.name; });

}  // namespace
}  // namespace backup::server
