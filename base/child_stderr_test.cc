// SPDX-License-Identifier: Apache-2.0
#include "base/child_stderr.h"

#include <gtest/gtest.h>
#include <signal.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/child_process.h"
#include "base/random.h"
#include "base/utf8.h"
#include "tests/testing/fake_random.h"
#include "tests/testing/matchers.h"
#include "tests/testing/shell_child.h"

namespace backup {
namespace {

using ::backup::testing::IsOk;
using ::backup::testing::kLong;
using ::backup::testing::StartShell;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(LineRingTest, KeepsTheLastLines) {
  LineRing ring(3, 100);
  EXPECT_THAT(ring.Lines(), IsEmpty());
  ring.Append("one\ntwo\nth");
  EXPECT_THAT(ring.Lines(), ElementsAre("one", "two", "th"));
  ring.Append("ree\nfour");
  EXPECT_THAT(ring.Lines(), ElementsAre("two", "three", "four"));
  ring.Append("\n\n");
  EXPECT_THAT(ring.Lines(), ElementsAre("three", "four", ""));
}

TEST(LineRingTest, CutsLongLinesAndGoesOnAfterThem) {
  LineRing ring(3, 10);
  for (int i = 0; i < 1000; ++i) ring.Append("0123456789");
  ring.Append("\nnext\n");
  EXPECT_THAT(ring.Lines(), ElementsAre("0123456…", "next"));
}

TEST(LineRingTest, IsCleanAndBoundedForAnyBytes) {
  testing::FakeRandom random;
  LineRing ring(5, 50);
  for (int i = 0; i < 2000; ++i) ring.Append(RandomBytes(random, random.Next() % 100));
  for (const std::string& line : ring.Lines()) {
    EXPECT_LE(line.size(), 50u);
    for (size_t position = 0; position < line.size();) {
      const int32_t code_point = NextCodePoint(line, &position);
      EXPECT_GE(code_point, 0);
      EXPECT_FALSE(IsControl(code_point));
    }
  }
  EXPECT_LE(ring.Lines().size(), 5u);
}

TEST(ChildStderrTest, ShowsTheLastLinesCleaned) {
  const std::unique_ptr<ChildProcess> child =
      StartShell("printf 'pg_dump: error: \\033[31mbad\\033[0m\\000 caf\\351\\nhint: no' >&2; exit 1");
  EXPECT_EQ(child->Wait(kLong)->code, 1);
  EXPECT_THAT(child->stderr_lines(),
              ElementsAre("pg_dump: error: \\x1b[31mbad\\x1b[0m\\x00 caf\xef\xbf\xbd", "hint: no"));
}

TEST(ChildStderrTest, AFloodNeitherBlocksTheChildNorGrows) {
  const std::unique_ptr<ChildProcess> child =
      StartShell("head -c 33554432 /dev/zero >&2; yes 'a line' | head -n 200000 >&2; echo last >&2");
  EXPECT_EQ(child->Wait(kLong)->code, 0);
  const std::vector<std::string> lines = child->stderr_lines();
  EXPECT_THAT(lines, SizeIs(40));
  EXPECT_EQ(lines.back(), "last");
  EXPECT_EQ(lines[0], "a line");
}

TEST(ChildStderrTest, AnEndlessLineIsCut) {
  const std::unique_ptr<ChildProcess> child = StartShell("head -c 8388608 /dev/zero | tr '\\0' 'x' >&2");
  EXPECT_EQ(child->Wait(kLong)->code, 0);
  ASSERT_THAT(child->stderr_lines(), SizeIs(1));
  EXPECT_EQ(child->stderr_lines()[0].size(), 500u);
}

TEST(ChildStderrTest, AChildMayCloseItsStderr) {
  const std::unique_ptr<ChildProcess> child = StartShell("echo before >&2; exec 2>&-; echo out; exit 3");
  EXPECT_EQ(child->Wait(kLong)->code, 3);
  EXPECT_THAT(child->stderr_lines(), ElementsAre("before"));
}

TEST(ChildStderrTest, AGrandchildThatKeepsItOpenDoesNotHoldUpTheEnd) {
  const std::unique_ptr<ChildProcess> child = StartShell("echo said >&2; sleep 1000 >/dev/null & echo $!");
  char buffer[32] = {};
  ASSERT_THAT(ReadSome(child->stdout_fd(), buffer, sizeof(buffer) - 1, kLong, nullptr), IsOk());
  int grandchild = 0;
  ASSERT_TRUE(absl::SimpleAtoi(buffer, &grandchild));
  EXPECT_EQ(child->Wait(kLong)->code, 0);
  EXPECT_THAT(child->stderr_lines(), ElementsAre("said"));
  EXPECT_EQ(kill(grandchild, SIGKILL), 0);
}

}  // namespace
}  // namespace backup
