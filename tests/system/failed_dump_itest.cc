// SPDX-License-Identifier: Apache-2.0
// What goes wrong while a dump is made ends as FAILED with the typed cause and a text; nothing of it is published,
// older backups stay as they are, and the next run works.

#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>

#include "absl/strings/str_cat.h"
#include "tests/system/fleet_story.h"
#include "tests/system/process_table.h"

namespace backup::testing {
namespace {

using ::testing::HasSubstr;

class FailedDumpStory : public FleetStory {
 protected:
  MiniPostgresOptions ServerOptions() const override { return {.require_passwords = true}; }

  void ExpectFailure(const v1::Run& run, v1::FailureCause cause, const std::string& text) {
    EXPECT_EQ(run.state(), v1::FAILED) << run.DebugString();
    EXPECT_EQ(run.failure().cause(), cause) << run.failure().DebugString();
    EXPECT_THAT(run.failure().message(), HasSubstr(text));
    EXPECT_FALSE(run.failure().hint().empty());
    EXPECT_TRUE(run.backup().empty());
  }

  // A good backup, the fault, a failed one, the fault lifted, a good one.
  void TellStory(MiniAgent& agent, const std::string& database, const std::function<void()>& inject,
                 const std::function<void()>& lift, v1::FailureCause cause, const std::string& text) {
    ASSERT_EQ(Backup(database).state(), v1::SUCCEEDED);
    inject();
    ExpectFailure(Backup(database), cause, text);
    ExpectTruth(agent, 1);
    lift();
    EXPECT_EQ(Backup(database).state(), v1::SUCCEEDED);
    ExpectTruth(agent, 2);
  }

  // A folder with pg_dump and pg_dumpall that the story may exchange. Each is a link to the real one.
  std::string MakeBindir() {
    const std::string bindir = fleet_->directory() + "/bin";
    std::filesystem::create_directories(bindir);
    LinkRealPgDump(bindir);
    std::filesystem::create_symlink(server_->bindir() + "/pg_dumpall", bindir + "/pg_dumpall");
    return bindir;
  }
  void LinkRealPgDump(const std::string& bindir) {
    std::filesystem::remove(bindir + "/pg_dump");
    std::filesystem::create_symlink(server_->bindir() + "/pg_dump", bindir + "/pg_dump");
  }
  // `$REAL` is the real pg_dump in the script.
  void ReplacePgDump(const std::string& bindir, const std::string& script) {
    std::filesystem::remove(bindir + "/pg_dump");
    std::ofstream(bindir + "/pg_dump") << "#!/bin/sh\nREAL=" << server_->bindir() << "/pg_dump\n" << script;
    std::filesystem::permissions(bindir + "/pg_dump", std::filesystem::perms::owner_all);
  }
  MiniAgent* AddAgentWithBindir(const std::string& bindir) {
    EXPECT_THAT(server_->Execute("CREATE DATABASE app"), IsOk());
    EXPECT_THAT(DumpGate::Prepare(*server_, "app"), IsOk());
    MiniAgentOptions options;
    options.databases = {{.id = "app", .url = server_->Url("app"), .password = ""}};
    options.pg_bindir = bindir;
    MiniAgent* agent = AddAgent(std::move(options));
    EXPECT_THAT(fleet_->AwaitDatabase("db1", "app").status(), IsOk());
    return agent;
  }
  // A role that may read `app` with a password, and an agent that logs in as it.
  MiniAgent* AddAgentWithRole() {
    EXPECT_THAT(server_->Execute("CREATE DATABASE app"), IsOk());
    EXPECT_THAT(server_->Execute("CREATE TABLE grades (id int); INSERT INTO grades VALUES (1);"
                                 "CREATE ROLE dumper LOGIN PASSWORD 'first-word';"
                                 "GRANT pg_read_all_data TO dumper",
                                 "app"),
                IsOk());
    MiniAgentOptions options;
    options.databases = {{.id = "app", .url = server_->Url("app", "dumper"), .password = "first-word"}};
    MiniAgent* agent = AddAgent(std::move(options));
    EXPECT_THAT(fleet_->AwaitDatabase("db1", "app").status(), IsOk());
    return agent;
  }

  const std::string database_ = "agents/db1/databases/app";
};

TEST_F(FailedDumpStory, ServerThatCannotBeReachedIsNetwork) {
  MiniAgent* agent = AddAgentWithDatabase("db1", "app");
  ASSERT_NE(agent, nullptr);
  TellStory(
      *agent, database_, [&] { ASSERT_THAT(server_->Stop(), IsOk()); }, [&] { ASSERT_THAT(server_->Start(), IsOk()); },
      v1::NETWORK, "");
}

TEST_F(FailedDumpStory, WrongPasswordIsAuth) {
  MiniAgent* agent = AddAgentWithRole();
  ASSERT_NE(agent, nullptr);
  TellStory(
      *agent, database_, [&] { ASSERT_THAT(server_->Execute("ALTER ROLE dumper PASSWORD 'other'"), IsOk()); },
      [&] { ASSERT_THAT(server_->Execute("ALTER ROLE dumper PASSWORD 'first-word'"), IsOk()); }, v1::AUTH, "password");
}

TEST_F(FailedDumpStory, TableThatMayNotBeReadIsPermissionAndNamed) {
  MiniAgent* agent = AddAgentWithRole();
  ASSERT_NE(agent, nullptr);
  TellStory(
      *agent, database_,
      [&] {
        ASSERT_THAT(server_->Execute("REVOKE pg_read_all_data FROM dumper; GRANT SELECT ON grades TO dumper;"
                                     "CREATE TABLE salaries (id int)",
                                     "app"),
                    IsOk());
      },
      [&] { ASSERT_THAT(server_->Execute("GRANT SELECT ON salaries TO dumper", "app"), IsOk()); }, v1::PERMISSION,
      "salaries");
}

TEST_F(FailedDumpStory, RowSecurityThatWouldHideRowsIsPermission) {
  MiniAgent* agent = AddAgentWithRole();
  ASSERT_NE(agent, nullptr);
  TellStory(
      *agent, database_,
      [&] {
        ASSERT_THAT(server_->Execute("ALTER TABLE grades ENABLE ROW LEVEL SECURITY;"
                                     "CREATE POLICY few ON grades USING (id > 100)",
                                     "app"),
                    IsOk());
      },
      [&] { ASSERT_THAT(server_->Execute("ALTER TABLE grades DISABLE ROW LEVEL SECURITY", "app"), IsOk()); },
      v1::PERMISSION, "grades");
}

TEST_F(FailedDumpStory, MissingPgDumpIsVersionMismatch) {
  const std::string bindir = MakeBindir();
  MiniAgent* agent = AddAgentWithBindir(bindir);
  ASSERT_NE(agent, nullptr);
  TellStory(
      *agent, database_, [&] { std::filesystem::remove(bindir + "/pg_dump"); }, [&] { LinkRealPgDump(bindir); },
      v1::VERSION_MISMATCH, "pg_dump");
}

TEST_F(FailedDumpStory, PgDumpOlderThanTheServerIsVersionMismatchWithBothVersions) {
  const std::string bindir = MakeBindir();
  MiniAgent* agent = AddAgentWithBindir(bindir);
  ASSERT_NE(agent, nullptr);
  TellStory(
      *agent, database_, [&] { ReplacePgDump(bindir, "echo 'pg_dump (PostgreSQL) 9.6.24'\n"); },
      [&] { LinkRealPgDump(bindir); }, v1::VERSION_MISMATCH, "9.6");
}

TEST_F(FailedDumpStory, PgDumpThatExitsWellWithoutItsTrailerIsIncomplete) {
  const std::string bindir = MakeBindir();
  MiniAgent* agent = AddAgentWithBindir(bindir);
  ASSERT_NE(agent, nullptr);
  TellStory(
      *agent, database_,
      [&] {
        ReplacePgDump(bindir,
                      "case \"$*\" in *--version*) exec $REAL --version;; esac\n"
                      "$REAL \"$@\" | head -n 40\nexit 0\n");
      },
      [&] { LinkRealPgDump(bindir); }, v1::INCOMPLETE, "");
}

TEST_F(FailedDumpStory, PgDumpThatWritesNothingAndExitsWellIsIncomplete) {
  const std::string bindir = MakeBindir();
  MiniAgent* agent = AddAgentWithBindir(bindir);
  ASSERT_NE(agent, nullptr);
  TellStory(
      *agent, database_,
      [&] { ReplacePgDump(bindir, "case \"$*\" in *--version*) exec $REAL --version;; esac\nexit 0\n"); },
      [&] { LinkRealPgDump(bindir); }, v1::INCOMPLETE, "");
}

TEST_F(FailedDumpStory, FloodAndEscapesOnStderrAreBoundedAndCleaned) {
  const std::string bindir = MakeBindir();
  MiniAgent* agent = AddAgentWithBindir(bindir);
  ASSERT_NE(agent, nullptr);
  ReplacePgDump(bindir,
                "case \"$*\" in *--version*) exec $REAL --version;; esac\n"
                "head -c 20000000 /dev/zero | tr '\\0' 'x' >&2\n"
                "printf '\\n\\033[31mred\\377\\n' >&2\nexit 3\n");

  const v1::Run run = Backup(database_);

  ExpectFailure(run, v1::DUMP_FAILED, "code 3");
  ASSERT_FALSE(run.failure().stderr_lines().empty());
  EXPECT_LE(run.failure().stderr_lines_size(), 40);
  for (const std::string& line : run.failure().stderr_lines()) {
    EXPECT_LE(line.size(), 500u);
    EXPECT_EQ(line.find('\x1b'), std::string::npos);
  }
  EXPECT_THAT(run.failure().stderr_lines(run.failure().stderr_lines_size() - 1), HasSubstr("red"));
}

TEST_F(FailedDumpStory, KilledPgDumpIsDumpFailedWithItsSignal) {
  MiniAgent* agent = AddAgentWithDatabase("db1", "app");
  ASSERT_NE(agent, nullptr);
  ASSERT_EQ(Backup(database_).state(), v1::SUCCEEDED);
  DumpGate gate(*server_, "app");
  const v1::Run run = BackupUntilGate(database_, gate);
  ASSERT_FALSE(agent->DumpProcesses().empty());

  for (const pid_t pid : agent->DumpProcesses()) kill(pid, SIGKILL);

  ExpectFailure(AwaitEnd(run), v1::DUMP_FAILED, "signal 9");
  gate.Open();
  ExpectTruth(*agent, 1);
  EXPECT_EQ(Backup(database_).state(), v1::SUCCEEDED);
}

TEST_F(FailedDumpStory, TerminatedBackendIsNeverASuccess) {
  MiniAgent* agent = AddAgentWithDatabase("db1", "app");
  ASSERT_NE(agent, nullptr);
  ASSERT_EQ(Backup(database_).state(), v1::SUCCEEDED);
  DumpGate gate(*server_, "app");
  const v1::Run run = BackupUntilGate(database_, gate);

  ASSERT_THAT(server_->Execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted"), IsOk());

  ExpectFailure(AwaitEnd(run), v1::NETWORK, "");
  gate.Open();
  ExpectTruth(*agent, 1);
  EXPECT_EQ(Backup(database_).state(), v1::SUCCEEDED);
}

TEST_F(FailedDumpStory, CancelStopsPgDumpAndIsNoFailure) {
  MiniAgent* agent = AddAgentWithDatabase("db1", "app");
  ASSERT_NE(agent, nullptr);
  DumpGate gate(*server_, "app");
  const v1::Run run = BackupUntilGate(database_, gate);

  const CommandResult cancelled = fleet_->Ctl({"run", "cancel", run.name()});

  EXPECT_EQ(cancelled.exit_code, 0) << cancelled.err;
  EXPECT_EQ(AwaitEnd(run).state(), v1::CANCELLED);
  gate.Open();
  ExpectTruth(*agent, 0);
}

}  // namespace
}  // namespace backup::testing
