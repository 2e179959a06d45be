// SPDX-License-Identifier: Apache-2.0
#include "server/embedded_catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "server/embedded_cluster_files.h"
#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using backup::testing::HasReason;
using backup::testing::IsOk;

// Not a TempDir below TMPDIR: the server's user must be able to enter it.
class EmbeddedCatalogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string path = "/tmp/ecat-XXXXXX";
    ASSERT_NE(mkdtemp(path.data()), nullptr);
    root_ = path;
    chmod(root_.c_str(), 0755);
    options_.directory = root_ + "/catalog";
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  static bool Answers(const std::string& url) { return PQping(url.c_str()) == PQPING_OK; }
  static std::string Query(const std::string& url, const char* sql) {
    PGconn* connection = PQconnectdb(url.c_str());
    PGresult* result = PQexec(connection, sql);
    std::string value =
        PQresultStatus(result) == PGRES_TUPLES_OK ? PQgetvalue(result, 0, 0) : PQerrorMessage(connection);
    PQclear(result);
    PQfinish(connection);
    return value;
  }
  static void AwaitEnd(pid_t pid) {
    while (kill(pid, 0) == 0) {
      absl::Time deadline = absl::Now() + absl::Milliseconds(5);
      while (absl::Now() < deadline) sched_yield();
    }
  }

  std::string root_;
  EmbeddedCatalogOptions options_;
};

TEST_F(EmbeddedCatalogTest, ServesOnASocketOnlyWithChecksumsAndStopsCleanly) {
  absl::StatusOr<std::unique_ptr<EmbeddedCatalog>> catalog = EmbeddedCatalog::Start(options_);
  ASSERT_THAT(catalog.status(), IsOk());

  EXPECT_EQ(Query((*catalog)->url(), "SHOW data_checksums"), "on");
  EXPECT_EQ(Query((*catalog)->url(), "SHOW listen_addresses"), "");
  const pid_t pid = (*catalog)->pid();
  EXPECT_GT(pid, 0);

  (*catalog)->Stop();
  EXPECT_NE(kill(pid, 0), 0);
  EXPECT_FALSE(std::filesystem::exists(options_.directory + "/cluster/postmaster.pid"));
}

TEST_F(EmbeddedCatalogTest, KeepsItsDataOverARestart) {
  {
    auto catalog = EmbeddedCatalog::Start(options_);
    ASSERT_THAT(catalog.status(), IsOk());
    Query((*catalog)->url(), "CREATE TABLE kept AS SELECT 42 AS x");
  }
  auto catalog = EmbeddedCatalog::Start(options_);
  ASSERT_THAT(catalog.status(), IsOk());
  EXPECT_EQ(Query((*catalog)->url(), "SELECT x FROM kept"), "42");
}

TEST_F(EmbeddedCatalogTest, StartsAgainAServerThatWasKilled) {
  auto catalog = EmbeddedCatalog::Start(options_);
  ASSERT_THAT(catalog.status(), IsOk());
  const pid_t first = (*catalog)->pid();

  kill(first, SIGKILL);
  while ((*catalog)->pid() == first || (*catalog)->pid() == -1) sched_yield();

  EXPECT_TRUE(Answers((*catalog)->url()));
}

TEST_F(EmbeddedCatalogTest, EndsWithItsProcessAndStartsAfterwards) {
  int to_parent[2];
  ASSERT_EQ(pipe(to_parent), 0);
  const pid_t child = fork();
  if (child == 0) {
    auto catalog = EmbeddedCatalog::Start(options_);
    pid_t pid = catalog.ok() ? (*catalog)->pid() : 0;
    if (write(to_parent[1], &pid, sizeof(pid)) != sizeof(pid)) _exit(1);
    pause();
    _exit(0);
  }
  pid_t server = 0;
  ASSERT_EQ(read(to_parent[0], &server, sizeof(server)), static_cast<ssize_t>(sizeof(server)));
  ASSERT_GT(server, 0);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);

  // The predecessor may still be stopping: Start waits for it.
  auto catalog = EmbeddedCatalog::Start(options_);
  ASSERT_THAT(catalog.status(), IsOk());
  EXPECT_TRUE(Answers((*catalog)->url()));
  EXPECT_NE((*catalog)->pid(), server);
  AwaitEnd(server);
  close(to_parent[0]);
  close(to_parent[1]);
}

TEST_F(EmbeddedCatalogTest, MakesAnInterruptedClusterAnew) {
  std::filesystem::create_directories(options_.directory + "/cluster.partial/base");
  std::ofstream(options_.directory + "/cluster.partial/PG_VERSION") << "15\n";

  auto catalog = EmbeddedCatalog::Start(options_);

  ASSERT_THAT(catalog.status(), IsOk());
  EXPECT_FALSE(std::filesystem::exists(options_.directory + "/cluster.partial"));
}

TEST_F(EmbeddedCatalogTest, TakesAShortSocketPathWhenTheDirectoryIsTooDeep) {
  options_.directory = root_ + "/" + std::string(120, 'd') + "/catalog";
  auto catalog = EmbeddedCatalog::Start(options_);
  ASSERT_THAT(catalog.status(), IsOk());
  EXPECT_TRUE(Answers((*catalog)->url()));
}

TEST_F(EmbeddedCatalogTest, LeavesNoShortSocketPathBehind) {
  const std::string note = root_ + "/note";
  const absl::StatusOr<std::string> first = MakeShortSocketDirectory(note, std::nullopt);
  ASSERT_THAT(first.status(), IsOk());
  // Its maker was killed; the next one cleans up.
  const absl::StatusOr<std::string> second = MakeShortSocketDirectory(note, std::nullopt);
  ASSERT_THAT(second.status(), IsOk());
  EXPECT_FALSE(std::filesystem::exists(*first));
  RemoveShortSocketDirectory(note);
  EXPECT_FALSE(std::filesystem::exists(*second));
}

TEST_F(EmbeddedCatalogTest, ANoteDoesNotLeadAstray) {
  const std::string victim = "/tmp/backupctl-catalog-x/../" + root_.substr(5) + "/victim";
  std::filesystem::create_directories(root_ + "/victim");
  std::ofstream(root_ + "/note") << victim;
  RemoveShortSocketDirectory(root_ + "/note");
  std::ofstream(root_ + "/note") << root_ + "/victim";
  RemoveShortSocketDirectory(root_ + "/note");
  EXPECT_TRUE(std::filesystem::exists(root_ + "/victim"));
}

TEST_F(EmbeddedCatalogTest, TakesADirectoryWithBlanksCommasAndQuotes) {
  options_.directory = root_ + "/a b, \"c'";
  auto catalog = EmbeddedCatalog::Start(options_);
  ASSERT_THAT(catalog.status(), IsOk());
  EXPECT_TRUE(Answers((*catalog)->url()));
}

// As after a reboot: the pid of the old server belongs to somebody else, here to this test.
TEST_F(EmbeddedCatalogTest, IsNotFooledByAPidThatWasUsedAgain) {
  std::string pid_file = options_.directory + "/cluster/postmaster.pid";
  ASSERT_THAT(EmbeddedCatalog::Start(options_).status(), IsOk());
  std::ofstream(pid_file) << getpid() << "\n" << options_.directory << "/cluster\n";

  auto catalog = EmbeddedCatalog::Start(options_);

  ASSERT_THAT(catalog.status(), IsOk());
  EXPECT_TRUE(Answers((*catalog)->url()));
}

TEST_F(EmbeddedCatalogTest, EndsAStartThatIsToStop) {
  Cancellation stop;
  stop.Cancel("no more");
  options_.stop = &stop;
  const absl::Status status = EmbeddedCatalog::Start(options_).status();
  EXPECT_TRUE(absl::IsCancelled(status)) << status;
}

TEST_F(EmbeddedCatalogTest, SaysThatTheProgramsAreMissing) {
  options_.postgresql_root = root_ + "/nowhere";
  EXPECT_THAT(EmbeddedCatalog::Start(options_).status(), HasReason("CATALOG_PROGRAMS_MISSING"));
}

TEST_F(EmbeddedCatalogTest, NamesTheVersionWhoseProgramsItLacks) {
  std::filesystem::create_directories(options_.directory + "/cluster");
  std::ofstream(options_.directory + "/cluster/PG_VERSION") << "9\n";
  const absl::Status status = EmbeddedCatalog::Start(options_).status();
  EXPECT_THAT(status, HasReason("CATALOG_PROGRAMS_MISSING"));
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("PostgreSQL 9"));
}

TEST_F(EmbeddedCatalogTest, NamesTheDirectoryThatItsUserCannotEnter) {
  if (geteuid() != 0) GTEST_SKIP() << "only root runs the server as somebody else";
  chmod(root_.c_str(), 0700);
  const absl::Status status = EmbeddedCatalog::Start(options_).status();
  EXPECT_THAT(status, HasReason("CATALOG_DIRECTORY_UNREACHABLE"));
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr(root_));
}

TEST_F(EmbeddedCatalogTest, RefusesToRunAsAUserThatIsNotThere) {
  if (geteuid() != 0) GTEST_SKIP() << "only root runs the server as somebody else";
  options_.unix_user = "nobody-of-that-name";
  EXPECT_THAT(EmbeddedCatalog::Start(options_).status(), HasReason("CATALOG_USER_MISSING"));
}

}  // namespace
}  // namespace backup::server
