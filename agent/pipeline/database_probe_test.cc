// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/database_probe.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "agent/pipeline/conninfo.h"
#include "agent/pipeline/database_facts.h"
#include "agent/pipeline/pg_session.h"
#include "agent/pipeline/testing/backup_fixture.h"
#include "agent/pipeline/testing/directory.h"
#include "agent/pipeline/testing/rich_schema.h"
#include "tests/testing/matchers.h"

namespace backup::agent {
namespace {

using agent::testing::BackupFixture;
using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::testing::SizeIs;

class DatabaseProbeTest : public BackupFixture {
 protected:
  // A socket that takes connections and never answers; its port.
  int MakeSilentServer() {
    silent_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(bind(silent_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(silent_, 5), 0);
    EXPECT_EQ(getsockname(silent_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    return ntohs(address.sin_port);
  }
  ~DatabaseProbeTest() override {
    if (silent_ >= 0) {
      close(silent_);
    }
  }
  int silent_ = -1;
};

TEST_F(DatabaseProbeTest, TellsWhatIsThere) {
  CreateDatabase("looked at", agent::testing::RichSchema());
  const int before = agent::testing::OpenDescriptorCount();
  auto facts = ProbeDatabase({Server().Url("looked at"), ""}, {});
  ASSERT_THAT(facts, IsOk());
  EXPECT_EQ(facts->identity.name(), "looked at");
  EXPECT_EQ(facts->table_count, agent::testing::kRichSchemaTableCount);
  EXPECT_GT(facts->estimated_plain_bytes, 0);
  EXPECT_LE(facts->estimated_plain_bytes, facts->identity.size_bytes());
  EXPECT_THAT(facts->extensions, SizeIs(1));
  EXPECT_LT(absl::AbsDuration(facts->server_time - absl::Now()), absl::Minutes(5));
  EXPECT_EQ(agent::testing::OpenDescriptorCount(), before);
}

TEST_F(DatabaseProbeTest, AnExclusiveLockDoesNotHoldItUp) {
  CreateDatabase("held", "CREATE TABLE t (x integer)");
  auto conninfo = Conninfo::Parse({Server().Url("held"), ""});
  ASSERT_THAT(conninfo, IsOk());
  auto session = PgSession::Connect(*conninfo, absl::Seconds(10), nullptr);
  ASSERT_THAT(session, IsOk());
  ASSERT_THAT((*session)->Query("BEGIN", absl::Seconds(10)), IsOk());
  ASSERT_THAT((*session)->Query("LOCK TABLE t IN ACCESS EXCLUSIVE MODE", absl::Seconds(10)), IsOk());
  EXPECT_THAT(ProbeDatabase({Server().Url("held"), ""}, {}), IsOk());
}

TEST_F(DatabaseProbeTest, RunsNothingThatAUserPutInItsWay) {
  // By the default search path, these would be found before or beside the system's (CVE-2018-1058).
  CreateDatabase("trapped",
                 "CREATE TABLE trap (x integer);"
                 "CREATE FUNCTION trapped(name, text) RETURNS boolean LANGUAGE sql AS "
                 "$$ INSERT INTO public.trap VALUES (1) RETURNING true $$;"
                 "CREATE OPERATOR <> (LEFTARG = name, RIGHTARG = text, FUNCTION = trapped);"
                 "CREATE OPERATOR !~ (LEFTARG = name, RIGHTARG = text, FUNCTION = trapped);"
                 "CREATE FUNCTION set_config(text, text, boolean) RETURNS text LANGUAGE sql AS "
                 "$$ INSERT INTO public.trap VALUES (2) RETURNING '' $$;"
                 "ALTER DATABASE trapped SET search_path = public, pg_catalog");
  EXPECT_THAT(ProbeDatabase({Server().Url("trapped"), ""}, {}), IsOk());
  EXPECT_EQ(Server().Query("SELECT pg_catalog.count(*) FROM public.trap", "trapped").value_or("?"), "0");
}

TEST_F(DatabaseProbeTest, ASilentServerIsANetworkFailureInTime) {
  ProbeOptions options;
  options.connect_timeout = absl::Milliseconds(200);
  const std::string url = absl::StrCat("host=127.0.0.1 user=u dbname=d sslmode=disable port=", MakeSilentServer());
  EXPECT_THAT(ProbeDatabase({url, ""}, options), HasReason("NETWORK"));
}

TEST_F(DatabaseProbeTest, CancellingEndsTheWait) {
  ProbeOptions options;
  options.connect_timeout = absl::Hours(1);
  const std::string url = absl::StrCat("host=127.0.0.1 user=u dbname=d sslmode=disable port=", MakeSilentServer());
  Cancellation cancellation;
  cancellation.Cancel("stop");
  EXPECT_THAT(ProbeDatabase({url, ""}, options, &cancellation), HasReason("CANCELLED_BY_USER"));
}

TEST_F(DatabaseProbeTest, AStatementThatTakesTooLongIsATimeout) {
  auto conninfo = Conninfo::Parse({Server().Url(), ""});
  ASSERT_THAT(conninfo, IsOk());
  auto session = PgSession::Connect(*conninfo, absl::Seconds(10), nullptr);
  ASSERT_THAT(session, IsOk());
  EXPECT_THAT((*session)->Query("SELECT pg_sleep(600)", absl::Milliseconds(100)), HasReason("TIMEOUT"));
}

TEST_F(DatabaseProbeTest, ExpectedTablesAreThoseThatPgDumpStores) {
  CreateDatabase("expected", agent::testing::RichSchema());
  auto conninfo = Conninfo::Parse({Server().Url("expected"), ""});
  ASSERT_THAT(conninfo, IsOk());
  auto session = PgSession::Connect(*conninfo, absl::Seconds(10), nullptr);
  ASSERT_THAT(session, IsOk());
  ASSERT_THAT((*session)->Query("CREATE TEMPORARY TABLE passing (x integer)", absl::Seconds(10)), IsOk());
  auto tables = ReadExpectedTables(**session, /*with_sizes=*/true, absl::Seconds(10));
  ASSERT_THAT(tables, IsOk());
  EXPECT_THAT(*tables, SizeIs(agent::testing::kRichSchemaTableCount));
  int partitions = 0;
  for (const ExpectedTable& table : *tables) {
    partitions += table.root_schema == "public" && table.root_name == "events" ? 1 : 0;
  }
  EXPECT_EQ(partitions, 3);
}

TEST(CheckSameDatabaseTest, TellsWhatDiffers) {
  v1::DatabaseIdentity before;
  before.set_name("shop");
  before.set_oid(5);
  before.set_system_identifier("123");
  before.set_size_bytes(1);
  v1::DatabaseIdentity after = before;
  after.set_size_bytes(2);
  after.set_server_version_num(150099);
  EXPECT_THAT(CheckSameDatabase(before, after), IsOk());
  after.set_oid(6);
  EXPECT_THAT(CheckSameDatabase(before, after), HasReason("WRONG_DATABASE"));
  after = before;
  after.set_system_identifier("124");
  EXPECT_THAT(CheckSameDatabase(before, after), HasReason("WRONG_DATABASE"));
  after = before;
  after.set_name("other");
  EXPECT_THAT(CheckSameDatabase(before, after), HasReason("WRONG_DATABASE"));
}

}  // namespace
}  // namespace backup::agent
