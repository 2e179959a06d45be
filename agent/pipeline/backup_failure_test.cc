// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "agent/pipeline/conninfo.h"
#include "agent/pipeline/job_failure.h"
#include "agent/pipeline/pg_session.h"
#include "agent/pipeline/repository.h"
#include "agent/pipeline/testing/backup_fixture.h"
#include "agent/pipeline/testing/directory.h"
#include "agent/pipeline/testing/sample_dump.h"
#include "base/errors.h"
#include "base/file.h"
#include "base/proto_json.h"
#include "tests/testing/matchers.h"

namespace backup::agent {
namespace {

namespace fs = std::filesystem;
using agent::testing::AwaitNoProcessWith;
using agent::testing::BackupFixture;
using agent::testing::OpenDescriptorCount;
using agent::testing::RecordingObserver;
using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kRows[] = "CREATE TABLE t AS SELECT i, md5(i::text) FROM generate_series(1, 2000) i";

class BackupFailureTest : public BackupFixture {
 protected:
  // Runs a backup that fails, and checks what holds of every failure: no artifact, older ones untouched, no descriptor
  // and no process left, and the next run works.
  absl::Status RunExpectingFailure(const BackupRequest& request) {
    const std::vector<std::string> stored = ArtifactDirectories(request.database);
    const int descriptors = OpenDescriptorCount();
    auto outcome = Run(request);
    EXPECT_FALSE(outcome.ok());
    EXPECT_EQ(ArtifactDirectories(request.database), stored);
    EXPECT_EQ(OpenDescriptorCount(), descriptors);
    EXPECT_TRUE(AwaitNoProcessWith(request.pg_bindir + "/pg_dump")) << "a child is left";
    return outcome.status();
  }

  absl::Status RunWithPgDump(const std::string& database, const std::string& script) {
    BackupRequest request = Request(database);
    request.pg_bindir = FakePrograms(script);
    return RunExpectingFailure(request);
  }

  // All that the fixture's repository holds and its observer heard, as one text.
  std::string EverythingStored() const {
    std::stringstream all;
    for (const auto& entry : fs::recursive_directory_iterator(repository_)) {
      all << entry.path().string() << "\n";
      if (entry.is_regular_file()) {
        all << std::ifstream(entry.path()).rdbuf() << "\n";
      }
    }
    for (const std::string& line : observer_.lines()) {
      all << line << "\n";
    }
    return all.str();
  }
};

TEST_F(BackupFailureTest, ProgramsThatEndBadly) {
  CreateDatabase("fakes", kRows);
  const struct {
    const char* what;
    const char* script;
    const char* reason;
    const char* message;
  } cases[] = {
      {"exits 1 midway", "\"$REAL\" \"$@\" | head -c 3000; echo 'pg_dump: error: boom' >&2; exit 1", "DUMP_FAILED",
       "boom"},
      {"exits 0 without its trailer", "\"$REAL\" \"$@\" | head -c 30000; exit 0", "INCOMPLETE", "public.t"},
      {"writes nothing and exits 0", "exit 0", "INCOMPLETE", "empty"},
      {"all but the last line", "\"$REAL\" \"$@\" | head -n -2; exit 0", "INCOMPLETE", "unrestrict"},
      {"is killed", "\"$REAL\" \"$@\" | head -c 3000; kill -KILL $$", "DUMP_FAILED", "signal 9"},
      {"crashes", "kill -SEGV $$", "DUMP_FAILED", "signal 11"},
      {"complains in bytes", "printf '\\377\\033[31mFATAL:  \\302\\205 no\\n' >&2; exit 1", "DUMP_FAILED",
       "exited with code 1"},
      {"reads another database",
       "exec \"$REAL\" --no-password --snapshot=00000003-00000002-1 --dbname=\"$(echo \"$@\" | sed \"s/.*--dbname=//; "
       "s/dbname='fakes'/dbname=template1/\")\"",
       "WRONG_DATABASE", "snapshot"},
  };
  for (const auto& entry : cases) {
    const absl::Status status = RunWithPgDump("fakes", entry.script);
    EXPECT_THAT(status, HasReason(entry.reason)) << entry.what;
    EXPECT_THAT(std::string(status.message()), HasSubstr(entry.message)) << entry.what;
    const v1::Failure failure = FailureFromStatus(status);
    for (const std::string& line : failure.stderr_lines()) {
      EXPECT_THAT(line, Not(HasSubstr("\x1b")));
      EXPECT_THAT(line, Not(HasSubstr("\xff")));
    }
  }
  EXPECT_THAT(Run(Request("fakes")), IsOk());
}

TEST_F(BackupFailureTest, ADumpThatLacksTablesIsIncomplete) {
  CreateDatabase("lacking", kRows);
  const std::string text = dir_.Write("dump", agent::testing::WrapDump("SELECT 1;\n"));
  const absl::Status status = RunWithPgDump("lacking", absl::StrCat("exec cat ", text));
  EXPECT_THAT(status, HasReason("INCOMPLETE"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("public.t"));
}

TEST_F(BackupFailureTest, AFloodOfStderrNeitherBlocksNorFails) {
  CreateDatabase("flood", kRows);
  BackupRequest request = Request("flood");
  request.pg_bindir = FakePrograms(
      "head -c 50000000 /dev/zero | tr '\\0' 'x' >&2; yes 'a warning' | head -n 100000 >&2; exec \"$REAL\" \"$@\"");
  auto outcome = Run(request);
  ASSERT_THAT(outcome, IsOk());
  EXPECT_GT(outcome->manifest.warnings_size(), 0);
  EXPECT_LE(outcome->manifest.warnings_size(), 40);
  EXPECT_LT(outcome->manifest.ByteSizeLong(), 100'000u);
}

TEST_F(BackupFailureTest, AStallIsNoticedAndEnded) {
  CreateDatabase("stalls", kRows);
  for (const std::string script :
       {"\"$REAL\" \"$@\" | head -c 3000; exec sleep 600", "\"$REAL\" \"$@\"; exec >&-; exec sleep 600",
        "trap '' TERM; \"$REAL\" \"$@\" | head -c 3000; while :; do sleep 600; done"}) {
    BackupRequest request = Request("stalls");
    request.pg_bindir = FakePrograms(script);
    *request.dump.mutable_stall_timeout() = ToProto(absl::Milliseconds(1500));
    const absl::Status status = RunExpectingFailure(request);
    EXPECT_THAT(status, HasReason("STALLED")) << script;
  }
}

TEST_F(BackupFailureTest, ARunThatTakesTooLongIsEnded) {
  CreateDatabase("slow", kRows);
  BackupRequest request = Request("slow");
  request.pg_bindir = FakePrograms("while :; do echo '-- still here'; sleep 0.05; done");
  *request.dump.mutable_timeout() = ToProto(absl::Milliseconds(2500));
  EXPECT_THAT(RunExpectingFailure(request), HasReason("TIMEOUT"));
}

TEST_F(BackupFailureTest, CancellingStopsItInAnyPhase) {
  CreateDatabase("cancelled", kRows);
  for (v1::RunPhase phase : {v1::PREPARING, v1::DUMPING, v1::VERIFYING, v1::PUBLISHING}) {
    BackupRequest request = Request("cancelled");
    if (phase == v1::DUMPING) {
      request.pg_bindir = FakePrograms("\"$REAL\" \"$@\" | head -c 3000; exec sleep 600");
    }
    Cancellation cancellation;
    RecordingObserver observer([&](const v1::Progress& progress) {
      if (progress.phase() == phase) {
        cancellation.Cancel("a person asked");
      }
    });
    auto outcome = RunBackup(request, Clock::Real(), observer, cancellation);
    EXPECT_THAT(outcome, HasReason("CANCELLED_BY_USER")) << v1::RunPhase_Name(phase);
    EXPECT_THAT(ArtifactDirectories("cancelled"), IsEmpty());
  }
  EXPECT_TRUE(AwaitNoProcessWith(dir_.path()));
}

TEST_F(BackupFailureTest, MissingAndOldProgramsAreAVersionMismatch) {
  CreateDatabase("versions", kRows);
  BackupRequest request = Request("versions");
  request.pg_bindir = dir_.File("nowhere");
  EXPECT_THAT(RunExpectingFailure(request), HasReason("VERSION_MISMATCH"));
  const std::string old = dir_.Write("pg_dump", "#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.24'\n");
  fs::permissions(old, fs::perms::owner_all);
  request.pg_bindir = dir_.path();
  const absl::Status status = RunExpectingFailure(request);
  EXPECT_THAT(status, HasReason("VERSION_MISMATCH"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("9.6.24"));
}

TEST_F(BackupFailureTest, ATableThatTheRoleMayNotReadIsNamed) {
  CreateDatabase(
      "rights",
      "CREATE ROLE reader LOGIN; CREATE TABLE open_to_all (x integer); GRANT SELECT ON open_to_all TO reader;"
      "CREATE TABLE secret (x integer)");
  BackupRequest request = Request("rights");
  request.target.url = Server().Url("rights", "reader");
  const absl::Status status = RunExpectingFailure(request);
  EXPECT_THAT(status, HasReason("PERMISSION"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("secret"));
  // With the right that the hint names it works, globals included: no superuser is needed.
  ASSERT_THAT(Server().Execute("GRANT pg_read_all_data TO reader"), IsOk());
  EXPECT_THAT(Run(request), IsOk());
}

TEST_F(BackupFailureTest, RowsHiddenByAPolicyAreNoBackup) {
  CreateDatabase(
      "hidden",
      "CREATE ROLE limited LOGIN; CREATE TABLE t (x integer); INSERT INTO t SELECT generate_series(1, 10);"
      "ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON t USING (x < 5); GRANT SELECT ON t TO limited");
  BackupRequest request = Request("hidden");
  request.target.url = Server().Url("hidden", "limited");
  const absl::Status status = RunExpectingFailure(request);
  EXPECT_THAT(status, HasReason("PERMISSION"));
  EXPECT_THAT(ErrorHint(status), HasSubstr("BYPASSRLS"));
}

TEST_F(BackupFailureTest, ALockThatIsNotGrantedIsALockTimeout) {
  CreateDatabase("locked", kRows);
  auto conninfo = Conninfo::Parse({Server().Url("locked"), ""});
  ASSERT_THAT(conninfo, IsOk());
  auto session = PgSession::Connect(*conninfo, absl::Seconds(10), nullptr);
  ASSERT_THAT(session, IsOk());
  ASSERT_THAT((*session)->Query("BEGIN", absl::Seconds(10)), IsOk());
  ASSERT_THAT((*session)->Query("LOCK TABLE t IN ACCESS EXCLUSIVE MODE", absl::Seconds(10)), IsOk());
  EXPECT_THAT(RunExpectingFailure(Request("locked")), HasReason("LOCK_TIMEOUT"));
  ASSERT_THAT((*session)->Query("ROLLBACK", absl::Seconds(10)), IsOk());
  EXPECT_THAT(Run(Request("locked")), IsOk());
}

TEST_F(BackupFailureTest, ABackendThatIsTerminatedMidwayIsANetworkFailure) {
  CreateDatabase("terminated",
                 "CREATE TABLE t AS SELECT i, repeat(md5(i::text), 10) FROM generate_series(1, 100000) i");
  BackupRequest request = Request("terminated");
  // Nothing is read beyond the first megabyte until the backend is gone, so that pg_dump is still at it.
  request.pg_bindir = FakePrograms(absl::StrCat(
      "export REAL ANSWER='", dir_.File("answer"), "' PSQL='", Server().bindir(), "/psql' URL='",
      Server().Url("terminated"), "'\n",
      R"sh(export SQL="SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'COPY public.t %'"
exec bash -o pipefail -c '
  "$REAL" "$@" | { head -c 1000000; "$PSQL" -XAtc "$SQL" "$URL" > "$ANSWER"; cat; }
' bash "$@")sh"));

  EXPECT_THAT(RunExpectingFailure(request), HasReason("NETWORK"));

  std::string answer;
  std::ifstream(dir_.File("answer")) >> answer;
  EXPECT_EQ(answer, "t") << "it was there to be terminated";
  EXPECT_THAT(ArtifactDirectories("terminated"), IsEmpty());
}

TEST_F(BackupFailureTest, LoginsThatFail) {
  CreateDatabase("login", "CREATE ROLE canary LOGIN PASSWORD 'right' IN ROLE pg_read_all_data");
  BackupRequest request = Request("login");
  request.target.url = Server().TcpUrl("login", "canary", "CANARY-WRONG");
  absl::Status status = RunExpectingFailure(request);
  EXPECT_THAT(status, HasReason("AUTH"));
  EXPECT_THAT(status.ToString(), Not(HasSubstr("CANARY")));
  request.target.url = absl::StrCat("host=127.0.0.1 port=", Server().port(), " user=canary dbname=login");
  EXPECT_THAT(RunExpectingFailure(request), HasReason("AUTH"));
  request.target.url = Server().Url("no such database");
  EXPECT_THAT(RunExpectingFailure(request), HasReason("WRONG_DATABASE"));
  request.target.url = Server().Url("login", "no such role");
  EXPECT_THAT(RunExpectingFailure(request), HasReason("AUTH"));
  request.target.url = "host=/nonexistent user=u dbname=d";
  EXPECT_THAT(RunExpectingFailure(request), HasReason("NETWORK"));
  request.target.url = "postgresql://u:CANARY@h/d@CANARY";
  status = RunExpectingFailure(request);
  EXPECT_THAT(status, HasReason("WRONG_DATABASE"));
  EXPECT_THAT(status.ToString(), Not(HasSubstr("CANARY")));
}

TEST_F(BackupFailureTest, APasswordStandsNowhere) {
  CreateDatabase(
      "secret",
      absl::StrCat(kRows, "; CREATE ROLE keeper LOGIN PASSWORD 'CANARY:pass\\word' IN ROLE pg_read_all_data"));
  const std::string seen = dir_.File("seen");
  BackupRequest request = Request("secret");
  request.target.url = Server().TcpUrl("secret", "keeper", "CANARY:pass\\word");
  request.pg_bindir =
      FakePrograms(absl::StrCat("{ echo \"$@\"; tr '\\0' '\\n' < /proc/$$/environ; ls -l /proc/$$/fd; } > ", seen,
                                "; echo 'a warning' >&2; exec \"$REAL\" \"$@\""));
  ASSERT_THAT(Run(request), IsOk());
  const std::string child = ReadFile(seen).value_or("");
  EXPECT_THAT(child, HasSubstr("--no-password"));
  EXPECT_THAT(child, Not(HasSubstr("CANARY")));
  EXPECT_THAT(child, Not(HasSubstr("PGPASS")));
  EXPECT_THAT(EverythingStored(), Not(HasSubstr("CANARY")));
  // From a password file the same.
  request = Request("secret");
  request.target.url = absl::StrCat("host=127.0.0.1 port=", Server().port(), " user=keeper dbname=secret");
  request.target.password_file = dir_.Write("password", "CANARY:pass\\word\n");
  EXPECT_THAT(Run(request), IsOk());
  EXPECT_THAT(EverythingStored(), Not(HasSubstr("CANARY")));
}

TEST_F(BackupFailureTest, ContentThatThePolicyDoesNotExpectIsIncomplete) {
  CreateDatabase("content", absl::StrCat(kRows, "; CREATE TABLE nothing (x integer)"));
  BackupRequest request = Request("content");
  request.verify.set_min_bytes(1 << 30);
  EXPECT_THAT(RunExpectingFailure(request), HasReason("INCOMPLETE"));
  request.verify.set_min_bytes(0);
  request.verify.add_key_tables("public.missing");
  absl::Status status = RunExpectingFailure(request);
  EXPECT_THAT(status, HasReason("INCOMPLETE"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("public.missing is not in the dump"));
  request.verify.set_key_tables(0, "public.nothing");
  EXPECT_THAT(std::string(RunExpectingFailure(request).message()), HasSubstr("has no rows"));
  request.verify.set_key_tables(0, "public.t");
  EXPECT_THAT(Run(request), IsOk());
}

TEST_F(BackupFailureTest, ARepositoryThatIsNotThereIsNotMade) {
  CreateDatabase("unmounted", kRows);
  BackupRequest request = Request("unmounted");
  request.repository = dir_.File("elsewhere");
  EXPECT_THAT(Run(request), HasReason("REPOSITORY_UNAVAILABLE"));
  EXPECT_FALSE(fs::exists(request.repository));
  fs::create_directory(request.repository);
  fs::permissions(request.repository, fs::perms::owner_all);
  EXPECT_THAT(Run(request), HasReason("REPOSITORY_UNAVAILABLE"));
  EXPECT_TRUE(fs::is_empty(request.repository));
}

TEST_F(BackupFailureTest, AFullDiskLeavesTheOlderBackupsAndPassesWhenThereIsSpace) {
  CreateDatabase("full", "CREATE TABLE small (x integer); CREATE TABLE t (x text)");
  const std::string root = dir_.File("small");
  fs::create_directory(root);
  if (geteuid() != 0 || mount("tmpfs", root.c_str(), "tmpfs", MS_NOSUID, "size=600k,mode=0700") != 0) {
    GTEST_SKIP() << "needs the right to mount a tmpfs";
  }
  struct Unmount {
    ~Unmount() { umount2(path.c_str(), MNT_DETACH); }
    const std::string path;
  } unmount{root};
  ASSERT_THAT(Repository::Init(root, Random::Real(), absl::Now()), IsOk());
  BackupRequest request = Request("full");
  request.repository = root;
  auto kept = Run(request);
  ASSERT_THAT(kept, IsOk());
  ASSERT_THAT(Server().Execute("INSERT INTO t SELECT md5(i::text) FROM generate_series(1, 50000) i; ANALYZE", "full"),
              IsOk());
  for (v1::Codec codec : {v1::GZIP, v1::NONE}) {
    request.backup_id = Request("full").backup_id;
    request.dump.set_compression(codec);
    EXPECT_THAT(Run(request), HasReason("DISK_FULL"));
    EXPECT_THAT(agent::testing::NamesIn(root + "/local/full"), SizeIs(1));
  }
  VerifyRequest verify;
  verify.artifact_directory = kept->path;
  EXPECT_THAT(VerifyArtifact(verify, Clock::Real(), observer_, cancellation_), IsOk());
  ASSERT_THAT(Server().Execute("TRUNCATE t", "full"), IsOk());
  request.backup_id = Request("full").backup_id;
  EXPECT_THAT(Run(request), IsOk());
}

TEST_F(BackupFailureTest, ASecondRunUnderOneIdIsRefused) {
  CreateDatabase("twice", kRows);
  const BackupRequest request = Request("twice");
  ASSERT_THAT(Run(request), IsOk());
  EXPECT_THAT(Run(request), HasReason("IO"));
  EXPECT_THAT(ArtifactDirectories("twice"), ElementsAre(request.backup_id));
}

}  // namespace
}  // namespace backup::agent
