// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "absl/strings/str_split.h"
#include "base/errors.h"
#include "base/file.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace backup {
namespace {

using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::testing::MatchesRegex;
using ::testing::SizeIs;

// Sends the log to a file, and puts the defaults back at the end.
class LogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    LogOptions options;
    options.file = dir_.File("log");
    ASSERT_THAT(InitLog(options), IsOk());
  }
  void TearDown() override { ASSERT_THAT(InitLog({}), IsOk()); }

  std::vector<std::string> Lines() const {
    const absl::StatusOr<std::string> contents = ReadFile(dir_.File("log"));
    EXPECT_THAT(contents, IsOk());
    std::vector<std::string> lines = absl::StrSplit(*contents, '\n');
    EXPECT_EQ(lines.back(), "") << "every line ends";
    lines.pop_back();
    return lines;
  }

  const testing::TempDir dir_;
};

TEST_F(LogTest, WritesOneJsonObjectForEachLine) {
  LogWarning("backup failed", {{"run", "runs/x"}, {"took", absl::Seconds(90)}, {"tries", 3}, {"last", true}});
  ASSERT_THAT(Lines(), SizeIs(1));
  const nlohmann::json line = nlohmann::json::parse(Lines()[0]);
  EXPECT_EQ(line["level"], "warning");
  EXPECT_EQ(line["message"], "backup failed");
  EXPECT_EQ(line["run"], "runs/x");
  EXPECT_EQ(line["took"], "1m30s");
  EXPECT_EQ(line["tries"], "3");
  EXPECT_EQ(line["last"], "true");
  EXPECT_THAT(line["time"].get<std::string>(), MatchesRegex("....-..-..T..:..:..\\....Z"));
}

TEST_F(LogTest, NoValueCanForgeALineOrAField) {
  const std::string evil =
      std::string("x\",\"level\":\"error\"}\n{\"message\":\"forged\"\r\x1b[2J\\\xff\xe2\x80\xae\xc2\x85") +
      std::string("\0", 1);
  LogInfo(evil, {{evil, evil}});
  const std::vector<std::string> lines = Lines();
  ASSERT_THAT(lines, SizeIs(1));
  for (const char c : lines[0]) EXPECT_GE(static_cast<unsigned char>(c), 0x20) << "raw control byte";
  EXPECT_EQ(lines[0].find("\xe2\x80\xae"), std::string::npos) << "raw bidirectional override";
  const nlohmann::json line = nlohmann::json::parse(lines[0]);
  EXPECT_EQ(line["level"], "info");
  std::string expected = evil;
  expected.replace(expected.find('\xff'), 1, "\xef\xbf\xbd");
  EXPECT_EQ(line["message"], expected) << "what can be kept is kept";
  EXPECT_EQ(line[expected], expected);
}

TEST_F(LogTest, AStatusShowsCodeMessageAndReason) {
  LogError("call failed", {{"error", PolicyNotFound("x")}, {"fine", absl::OkStatus()}});
  const nlohmann::json line = nlohmann::json::parse(Lines().at(0));
  EXPECT_EQ(line["error"], "NOT_FOUND: policy \"x\" not found (POLICY_NOT_FOUND)");
  EXPECT_EQ(line["fine"], "OK");
}

TEST_F(LogTest, DropsLinesBelowTheLevel) {
  LogDebug("unseen");
  LogInfo("seen");
  EXPECT_THAT(Lines(), SizeIs(1));
  LogOptions options;
  options.file = dir_.File("log");
  options.level = LogLevel::kError;
  ASSERT_THAT(InitLog(options), IsOk());
  LogWarning("unseen");
  LogError("seen");
  EXPECT_THAT(Lines(), SizeIs(2)) << "and the file was appended to";
}

TEST_F(LogTest, BoundsAValue) {
  LogInfo("much", {{"value", std::string(1 << 20, 'x')}});
  EXPECT_LT(Lines().at(0).size(), 20'000u);
}

TEST_F(LogTest, LinesOfManyThreadsStayWhole) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (int j = 0; j < 50; ++j) LogInfo("line", {{"number", j}});
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_THAT(Lines(), SizeIs(200));
  for (const std::string& line : Lines()) EXPECT_TRUE(nlohmann::json::accept(line)) << line;
}

TEST_F(LogTest, MakesItsFilePrivate) {
  struct stat info = {};
  ASSERT_EQ(stat(dir_.File("log").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
}

TEST_F(LogTest, RefusesAFileThatCannotBe) {
  LogOptions options;
  options.file = dir_.File("none/log");
  EXPECT_THAT(InitLog(options), HasReason("FILE_NOT_FOUND"));
  ASSERT_EQ(mkfifo(dir_.File("fifo").c_str(), 0600), 0);
  options.file = dir_.File("fifo");
  EXPECT_FALSE(InitLog(options).ok()) << "and does not wait for a reader";
}

TEST(LogLimiterTest, LetsOneThroughInAPeriodAndCountsTheRest) {
  LogLimiter limiter(absl::Minutes(1));
  int64_t suppressed = -1;
  EXPECT_TRUE(limiter.ShouldLog(absl::ZeroDuration(), &suppressed));
  EXPECT_EQ(suppressed, 0);
  EXPECT_FALSE(limiter.ShouldLog(absl::Seconds(1), &suppressed));
  EXPECT_FALSE(limiter.ShouldLog(absl::Seconds(59), &suppressed));
  EXPECT_TRUE(limiter.ShouldLog(absl::Seconds(60), &suppressed));
  EXPECT_EQ(suppressed, 2);
  EXPECT_TRUE(limiter.ShouldLog(absl::Seconds(120), &suppressed));
  EXPECT_EQ(suppressed, 0);
}

}  // namespace
}  // namespace backup
