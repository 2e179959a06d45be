// SPDX-License-Identifier: Apache-2.0
// What the agent keeps on disk: state directory, spool, journal, logs, held runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "agent/attempt_journal.h"
#include "agent/attempt_key.h"
#include "agent/held_run_set.h"
#include "agent/run_log.h"
#include "agent/spool.h"
#include "agent/state_directory.h"
#include "agent/testing/fake_controller_link.h"
#include "base/file.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace backup::agent {
namespace {

using ::backup::testing::EqualsProto;
using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::IsOkAndHolds;
using ::backup::testing::MakeDesiredRun;
using ::backup::testing::TempDir;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const absl::Time kNow = absl::FromUnixSeconds(1'795'000'000);

std::vector<std::string> FilesIn(const std::string& directory) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

v1::CompleteRunRequest Result(const std::string& run_id, int64_t epoch, v1::RunState state = v1::SUCCEEDED) {
  v1::CompleteRunRequest request;
  request.mutable_attempt()->set_run("runs/" + run_id);
  request.mutable_attempt()->set_attempt_id("attempt-" + run_id);
  request.mutable_attempt()->set_epoch(epoch);
  request.mutable_result()->set_state(state);
  return request;
}

class DurableStateTest : public ::testing::Test {
 protected:
  DurableStateTest() {
    for (const char* name : {"spool", "attempts", "logs", "refused", "corrupt"}) {
      EXPECT_THAT(MakeDirectories(temp_.File(name)), IsOk());
    }
  }
  Spool MakeSpool() const { return Spool(temp_.File("spool"), temp_.File("refused"), temp_.File("corrupt")); }
  AttemptJournal MakeJournal() const { return AttemptJournal(temp_.File("attempts"), temp_.File("corrupt")); }
  RunLogs MakeLogs() const { return RunLogs(temp_.File("logs"), temp_.File("corrupt")); }
  HeldRunSet MakeHeld() const { return HeldRunSet(temp_.File("desired.json"), temp_.File("corrupt")); }

  TempDir temp_;
};

TEST_F(DurableStateTest, AttemptFileNamesGoBothWaysAndRefuseWhatCouldBeAPath) {
  EXPECT_THAT(AttemptFileName({"runs/7k3m9q2x4d", 12}), IsOkAndHolds(std::string("7k3m9q2x4d.12")));
  EXPECT_THAT(ParseAttemptFileName("7k3m9q2x4d.12"), IsOkAndHolds(AttemptKey("runs/7k3m9q2x4d", 12)));
  for (const AttemptKey& key : {AttemptKey("runs/../../etc/passwd", 1), AttemptKey("runs/", 1), AttemptKey("runs/A", 1),
                                AttemptKey("policies/a", 1), AttemptKey("runs/a/b", 1), AttemptKey("runs/a", 0),
                                AttemptKey("runs/a", -1), AttemptKey(std::string("runs/a\0b", 8), 1)}) {
    EXPECT_FALSE(AttemptFileName(key).ok()) << key.first;
  }
  for (const char* name : {"", "a", "a.", ".1", "a.0", "a.-1", "a.01", "a.1.1", "a.+1", "a. 1", "A.1"}) {
    EXPECT_FALSE(ParseAttemptFileName(name).ok()) << name;
  }
}

TEST_F(DurableStateTest, AResultOutlivesTheProcessUntilItIsAcknowledged) {
  {
    Spool spool = MakeSpool();
    ASSERT_THAT(spool.Put(Result("a", 3, v1::FAILED)), IsOk());
  }
  Spool spool = MakeSpool();
  ASSERT_THAT(spool.Load(), IsOk());
  EXPECT_THAT(spool.Keys(), ElementsAre(AttemptKey("runs/a", 3)));
  EXPECT_THAT(spool.Get({"runs/a", 3}), IsOkAndHolds(EqualsProto(Result("a", 3, v1::FAILED))));

  ASSERT_THAT(spool.Acknowledge({"runs/a", 3}), IsOk());

  EXPECT_THAT(spool.Keys(), IsEmpty());
  EXPECT_THAT(FilesIn(temp_.File("spool")), IsEmpty());
}

TEST_F(DurableStateTest, ARefusedResultIsKeptAsEvidenceEvenUnderATakenName) {
  Spool spool = MakeSpool();
  for (int i = 0; i < 2; ++i) {
    ASSERT_THAT(spool.Put(Result("a", 1)), IsOk());
    ASSERT_THAT(spool.Refuse({"runs/a", 1}), IsOk());
  }

  EXPECT_THAT(spool.Keys(), IsEmpty());
  EXPECT_THAT(FilesIn(temp_.File("refused")), ElementsAre("a.1.2.json", "a.1.json"));
}

TEST_F(DurableStateTest, CorruptSpoolFilesAreSetAsideAndBlockNoOther) {
  {
    Spool spool = MakeSpool();
    ASSERT_THAT(spool.Put(Result("good", 1)), IsOk());
    ASSERT_THAT(spool.Put(Result("other", 1)), IsOk());
  }
  temp_.Write("spool/cut.1.json", "{\"attempt\": {\"run\": \"runs/c");
  temp_.Write("spool/empty.1.json", "");
  temp_.Write("spool/not-a-run.json", "{}");
  std::filesystem::copy(temp_.File("spool/other.1.json"), temp_.File("spool/renamed.1.json"));
  std::filesystem::create_symlink("/etc/passwd", temp_.File("spool/link.1.json"));

  Spool spool = MakeSpool();
  ASSERT_THAT(spool.Load(), IsOk());

  EXPECT_THAT(spool.Keys(), ElementsAre(AttemptKey("runs/good", 1), AttemptKey("runs/other", 1)));
  EXPECT_THAT(FilesIn(temp_.File("corrupt")),
              ElementsAre("cut.1.json", "empty.1.json", "not-a-run.json", "renamed.1.json"));
}

TEST_F(DurableStateTest, AResultThatGoesBadWhileItWaitsIsSetAside) {
  Spool spool = MakeSpool();
  ASSERT_THAT(spool.Put(Result("a", 1)), IsOk());
  temp_.Write("spool/a.1.json", "not json");

  EXPECT_FALSE(spool.Get({"runs/a", 1}).ok());

  EXPECT_THAT(spool.Keys(), IsEmpty());
  EXPECT_THAT(FilesIn(temp_.File("corrupt")), ElementsAre("a.1.json"));
}

TEST_F(DurableStateTest, AResultThatCannotBeWrittenIsKeptInMemoryAndWrittenLater) {
  Spool spool = MakeSpool();
  std::filesystem::rename(temp_.File("spool"), temp_.File("away"));

  EXPECT_FALSE(spool.Put(Result("a", 1)).ok());

  EXPECT_THAT(spool.Get({"runs/a", 1}), IsOkAndHolds(EqualsProto(Result("a", 1))));
  EXPECT_FALSE(spool.Write().ok());
  std::filesystem::rename(temp_.File("away"), temp_.File("spool"));
  EXPECT_THAT(spool.Write(), IsOk());
  EXPECT_THAT(FilesIn(temp_.File("spool")), ElementsAre("a.1.json"));
}

TEST_F(DurableStateTest, TheJournalTellsWhatWasWorkedOn) {
  v1::Run attempt;
  attempt.set_name("runs/a");
  attempt.set_epoch(2);
  attempt.set_attempt_id("x");
  attempt.set_database("agents/db1/databases/orders");
  attempt.set_backup("backups/20261123T220000Z-7k3m9q2x4d");
  ASSERT_THAT(MakeJournal().Write(attempt), IsOk());
  temp_.Write("attempts/b.1.json", R"({"name": "runs/b", "epoch": "1", "attemptId": "y", "database": "../.."})");
  temp_.Write("attempts/c.1.json",
              R"({"name": "runs/c", "epoch": "1", "attemptId": "y", "database": "agents/db1/databases/orders",
                  "backup": "backups/../x"})");

  EXPECT_THAT(MakeJournal().Load(), IsOkAndHolds(ElementsAre(EqualsProto(attempt))));
  EXPECT_THAT(FilesIn(temp_.File("corrupt")), ElementsAre("b.1.json", "c.1.json"));

  ASSERT_THAT(MakeJournal().Remove({"runs/a", 2}), IsOk());
  ASSERT_THAT(MakeJournal().Remove({"runs/a", 2}), IsOk()) << "again";
  EXPECT_THAT(MakeJournal().Load(), IsOkAndHolds(IsEmpty()));
}

TEST_F(DurableStateTest, LogLinesWaitUntilTheyAreAcknowledged) {
  const v1::AttemptRef attempt = Result("a", 1).attempt();
  RunLogs logs = MakeLogs();
  logs.Append(attempt, kNow, "one");
  logs.Append(attempt, kNow, "two\nforged");

  ASSERT_THAT(logs.Pending(), SizeIs(1));
  EXPECT_EQ(logs.Pending()[0].lines(1).offset(), 1);
  EXPECT_EQ(logs.Pending()[0].lines(1).text(), "two\\nforged");
  logs.Acknowledge(KeyOf(attempt), 1);
  EXPECT_EQ(logs.Pending()[0].lines(0).offset(), 1);
  logs.Acknowledge(KeyOf(attempt), 2);
  EXPECT_THAT(logs.Pending(), IsEmpty());
  EXPECT_FALSE(logs.empty()) << "more lines may come";

  logs.Finish(KeyOf(attempt));
  EXPECT_TRUE(logs.empty());
  EXPECT_THAT(FilesIn(temp_.File("logs")), IsEmpty());
}

TEST_F(DurableStateTest, LogLinesOutliveTheProcessUpToTheOneThatWasCut) {
  const v1::AttemptRef attempt = Result("a", 1).attempt();
  {
    RunLogs logs = MakeLogs();
    logs.Append(attempt, kNow, "one");
    logs.Append(attempt, kNow, "two");
  }
  const std::string file = temp_.File("logs/a.1.log");
  ASSERT_EQ(truncate(file.c_str(), static_cast<off_t>(std::filesystem::file_size(file)) - 5), 0);
  temp_.Write("logs/junk.log", "junk");

  RunLogs logs = MakeLogs();
  ASSERT_THAT(logs.Load(), IsOk());

  ASSERT_THAT(logs.Pending(), SizeIs(1));
  EXPECT_THAT(logs.Pending()[0].attempt(), EqualsProto(attempt));
  ASSERT_EQ(logs.Pending()[0].lines_size(), 1);
  EXPECT_EQ(logs.Pending()[0].lines(0).text(), "one");
  EXPECT_THAT(FilesIn(temp_.File("corrupt")), ElementsAre("junk.log"));
}

TEST_F(DurableStateTest, ARunLogIsBoundedAndSaysSo) {
  const v1::AttemptRef attempt = Result("a", 1).attempt();
  RunLogs logs = MakeLogs();
  for (int i = 0; i < 10'050; ++i) {
    logs.Append(attempt, kNow, "line");
  }
  int64_t offset = 0;
  std::string last;
  while (!logs.Pending().empty()) {
    const v1::UploadRunLogRequest batch = logs.Pending()[0];
    EXPECT_LE(batch.lines_size(), 1000);
    EXPECT_EQ(batch.lines(0).offset(), offset);
    offset += batch.lines_size();
    last = batch.lines(batch.lines_size() - 1).text();
    logs.Acknowledge(KeyOf(attempt), offset);
  }
  EXPECT_EQ(offset, 10'000);
  EXPECT_EQ(last, "more lines were left out");
}

TEST_F(DurableStateTest, HeldRunsOutliveTheProcessWithoutThoseThatBegan) {
  v1::SyncResponse desired;
  desired.set_revision("r1");
  *desired.add_runs() = MakeDesiredRun("a", "orders", kNow);
  *desired.add_runs() = MakeDesiredRun("b", "orders", kNow);
  *desired.add_runs() = MakeDesiredRun("c", "orders", kNow);
  {
    HeldRunSet held = MakeHeld();
    held.Replace(desired);
    ASSERT_TRUE(held.Take({"runs/a", 1}));
    ASSERT_THAT(held.Save(), IsOk());
  }
  HeldRunSet held = MakeHeld();
  held.Load({{"runs/b", 1}});

  EXPECT_THAT(held.runs(), ElementsAre(EqualsProto(desired.runs(2))));
  EXPECT_EQ(held.revision(), "r1");
}

TEST_F(DurableStateTest, ARunThatBeganDoesNotComeBackButUnderANewEpoch) {
  v1::SyncResponse desired;
  *desired.add_runs() = MakeDesiredRun("a", "orders", kNow);
  HeldRunSet held = MakeHeld();
  held.Replace(desired);
  ASSERT_TRUE(held.Take({"runs/a", 1}));

  held.Replace(desired);
  EXPECT_THAT(held.runs(), IsEmpty());
  EXPECT_FALSE(held.Take({"runs/a", 1}));

  desired.mutable_runs(0)->set_epoch(2);
  held.Replace(desired);
  EXPECT_THAT(held.runs(), SizeIs(1));
}

TEST_F(DurableStateTest, HeldRunsLeaveOutWhatCannotBeARun) {
  v1::SyncResponse desired;
  for (const char* name : {"runs/../x", "", "runs/ok", "runs/ok"}) {
    v1::DesiredRun run = MakeDesiredRun("a", "orders", kNow);
    run.set_run(name);
    *desired.add_runs() = run;
  }
  v1::DesiredRun no_epoch = MakeDesiredRun("b", "orders", kNow);
  no_epoch.set_epoch(0);
  *desired.add_runs() = no_epoch;
  HeldRunSet held = MakeHeld();

  held.Replace(desired);

  EXPECT_THAT(held.runs(), SizeIs(1));
}

TEST_F(DurableStateTest, ACorruptFileOfHeldRunsIsSetAsideAndAskedForAgain) {
  temp_.Write("desired.json", "{\"revision\": 7, ");
  HeldRunSet held = MakeHeld();

  held.Load({});

  EXPECT_THAT(held.runs(), IsEmpty());
  EXPECT_EQ(held.revision(), "");
  EXPECT_THAT(FilesIn(temp_.File("corrupt")), ElementsAre("desired.json"));
}

TEST_F(DurableStateTest, OneAgentAtATimeUsesAStateDirectory) {
  const std::string path = temp_.File("state");
  const absl::StatusOr<StateDirectory> first = StateDirectory::Open(path);
  ASSERT_THAT(first, IsOk());
  struct stat info;
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0700u);

  EXPECT_THAT(StateDirectory::Open(path), HasReason("LOCKED"));
}

TEST_F(DurableStateTest, AStateDirectoryThatOthersMayWriteIsRefused) {
  const std::string path = temp_.File("state");
  ASSERT_THAT(MakeDirectories(path), IsOk());
  ASSERT_EQ(chmod(path.c_str(), 0770), 0);
  EXPECT_THAT(StateDirectory::Open(path), HasReason("STATE_DIRECTORY_UNSAFE"));

  ASSERT_EQ(chmod(path.c_str(), 0700), 0);
  ASSERT_EQ(symlink(path.c_str(), temp_.File("link").c_str()), 0);
  EXPECT_THAT(StateDirectory::Open(temp_.File("link")), HasReason("STATE_DIRECTORY_UNSAFE"));
}

}  // namespace
}  // namespace backup::agent
