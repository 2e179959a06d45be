// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "agent/pipeline/job.h"
#include "agent/pipeline/testing/recording_observer.h"
#include "tests/testing/mini_postgres.h"
#include "tests/testing/temp_dir.h"

namespace backup::agent::testing {

// A repository of its own for each test, and one PostgreSQL server for all tests of the process.
class BackupFixture : public ::testing::Test {
 protected:
  BackupFixture();

  // Started at the first call; takes passwords on TCP.
  static backup::testing::MiniPostgres& Server();
  // A new database, with this SQL run in it. Dropped by the server's end.
  static void CreateDatabase(const std::string& name, const std::string& sql = "");
  static void Drop(const std::string& database);

  // For a backup of `database` into the repository, with a fresh backup id and short limits.
  BackupRequest Request(const std::string& database);
  absl::StatusOr<BackupOutcome> Run(const BackupRequest& request);

  // A directory with a pg_dump that runs this script of sh, in which $REAL is the real pg_dump; its pg_dumpall is the
  // real one.
  std::string FakePrograms(const std::string& script);

  // Paths of artifacts of the repository, finished or not.
  std::vector<std::string> ArtifactDirectories(const std::string& database) const;

  backup::testing::TempDir dir_;
  const std::string repository_;
  RecordingObserver observer_;
  Cancellation cancellation_;

 private:
  int next_id_ = 0;
};

// Identifier, quoted for SQL.
std::string QuoteIdentifier(const std::string& name);

// Processes of this machine whose command line holds `text`.
std::vector<int> ProcessesWith(const std::string& text);

// Waits until there are none, at most some seconds.
bool AwaitNoProcessWith(const std::string& text);

}  // namespace backup::agent::testing
