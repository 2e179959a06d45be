// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/system/dump_gate.h"
#include "tests/system/eventually.h"
#include "tests/system/mini_fleet.h"
#include "tests/testing/matchers.h"
#include "tests/testing/mini_postgres.h"

namespace backup::testing {

// A story with a fleet and a database server of its own. At its end everything is stopped, and nothing may be left.
class FleetStory : public ::testing::Test {
 protected:
  // Options for this story; called before SetUp makes anything.
  virtual MiniPostgresOptions ServerOptions() const { return {}; }
  virtual MiniFleetOptions FleetOptions() const { return {}; }

  void SetUp() override;
  void TearDown() override;

  // An agent `id` with one database, which is made and prepared for a DumpGate. The database's id is its name.
  // Records a failure and returns null when that does not work.
  MiniAgent* AddAgentWithDatabase(const std::string& id, const std::string& database);
  MiniAgent* AddAgent(MiniAgentOptions options);

  // Asks for a backup and waits for its end; a default Run, and a failure, when there is none.
  v1::Run Backup(const std::string& database_name);
  // Asks for a backup, and waits until a pg_dump of it stands at the gate.
  v1::Run BackupUntilGate(const std::string& database_name, const DumpGate& gate);
  v1::Run AwaitEnd(const v1::Run& run);
  // Waits until the run is in this state.
  v1::Run AwaitState(const v1::Run& run, v1::RunState state);

  // What must hold whatever happened: as many GOOD backups in the catalog as artifacts on disk, each of which
  // verifies; no unfinished directory; no pg_dump.
  void ExpectTruth(MiniAgent& agent, size_t good_backups);

  std::unique_ptr<MiniPostgres> server_;
  std::unique_ptr<MiniFleet> fleet_;
};

}  // namespace backup::testing
