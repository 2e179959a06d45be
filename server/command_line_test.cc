// SPDX-License-Identifier: Apache-2.0
#include "server/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/testing/temp_dir.h"

namespace backup::server {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class CommandLineTest : public ::testing::Test {
 protected:
  CommandLine Parse(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "backup-controller");
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    const CommandLine result = ParseCommandLine(static_cast<int>(arguments.size()), arguments.data());
    out_ = ::testing::internal::GetCapturedStdout();
    err_ = ::testing::internal::GetCapturedStderr();
    return result;
  }
  // A mistake: nothing to run, exit code 2, and something on stderr.
  void ExpectUsageError(std::vector<const char*> arguments) {
    const CommandLine result = Parse(std::move(arguments));
    EXPECT_FALSE(result.options.has_value());
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_EQ(out_, "");
    EXPECT_NE(err_, "");
  }

  testing::TempDir dir_;
  std::string out_;
  std::string err_;
};

TEST_F(CommandLineTest, TakesEveryFlag) {
  const CommandLine result = Parse({"--data-dir", "/data", "--listen", "0.0.0.0:1", "--advertise", "h:2", "--catalog",
                                    "postgresql://h/c", "--catalog-user", "pg", "--lease-duration", "30s",
                                    "--progress-interval", "1s", "--history-age", "60d", "--log-level", "debug"});
  ASSERT_TRUE(result.options.has_value()) << err_;
  EXPECT_EQ(result.options->data_directory, "/data");
  EXPECT_EQ(result.options->listen, "0.0.0.0:1");
  EXPECT_EQ(result.options->advertise, "h:2");
  EXPECT_EQ(result.options->catalog_url, "postgresql://h/c");
  EXPECT_EQ(result.options->catalog_user, "pg");
  EXPECT_EQ(result.options->lease_duration, absl::Seconds(30));
  EXPECT_EQ(result.options->progress_interval, absl::Seconds(1));
  EXPECT_EQ(result.options->history_age, absl::Hours(24 * 60));
  EXPECT_EQ(result.options->log_level, LogLevel::kDebug);
}

TEST_F(CommandLineTest, FlagsWinOverTheFile) {
  const std::string file = dir_.Write(
      "c.yaml", "apiVersion: backup/v1\nkind: ControllerConfig\nlisten: 127.0.0.1:1\ndataDirectory: /from/file\n");
  const CommandLine result = Parse({"--config", file.c_str(), "--listen", "127.0.0.1:2"});
  ASSERT_TRUE(result.options.has_value()) << err_;
  EXPECT_EQ(result.options->listen, "127.0.0.1:2");
  EXPECT_EQ(result.options->data_directory, "/from/file");
}

TEST_F(CommandLineTest, HelpAndVersionAreNoMistakes) {
  EXPECT_EQ(Parse({"--help"}).exit_code, 0);
  EXPECT_THAT(out_, AllOf(HasSubstr("--data-dir"), HasSubstr("Exit codes")));
  const CommandLine version = Parse({"--version"});
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_FALSE(version.options.has_value());
  EXPECT_EQ(out_, "backup-controller " BACKUPCTL_VERSION "\n");
}

TEST_F(CommandLineTest, MistakesAreUsageErrors) {
  ExpectUsageError({"--no-such-flag"});
  ExpectUsageError({"surplus"});
  ExpectUsageError({"--listen"});
  ExpectUsageError({"--listen", "here"});
  ExpectUsageError({"--lease-duration", "60"});
  ExpectUsageError({"--log-level", "loud"});
  ExpectUsageError({"--config", "/no/such/file"});
  ExpectUsageError({"--catalog", "postgresql://h/c", "--catalog-file", "/f"});
  ExpectUsageError({"--catalog", "no url"});
}

TEST_F(CommandLineTest, APasswordInTheArgumentsIsRefusedAndNotRepeated) {
  ExpectUsageError({"--catalog", "postgresql://u:canary@h/c"});
  EXPECT_THAT(
      err_, AllOf(HasSubstr("reason: PASSWORD_IN_CATALOG_URL"), HasSubstr("--catalog-file"), Not(HasSubstr("canary"))));
}

TEST_F(CommandLineTest, APasswordComesFromAPrivateFile) {
  const std::string file = dir_.Write("catalog", "postgresql://u:pw@h/c\n");
  ASSERT_EQ(chmod(file.c_str(), 0600), 0);
  const CommandLine result = Parse({"--catalog-file", file.c_str()});
  ASSERT_TRUE(result.options.has_value()) << err_;
  EXPECT_EQ(result.options->catalog_url, "postgresql://u:pw@h/c");
}

}  // namespace
}  // namespace backup::server
