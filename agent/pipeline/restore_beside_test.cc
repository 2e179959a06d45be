// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "agent/pipeline/conninfo.h"
#include "agent/pipeline/job.h"
#include "agent/pipeline/load_database.h"
#include "agent/pipeline/testing/backup_fixture.h"
#include "tests/testing/matchers.h"

namespace backup::agent {
namespace {

using agent::testing::BackupFixture;
using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kShop[] = R"sql(
CREATE TYPE state AS ENUM ('open', 'paid');
CREATE TABLE customers (id serial PRIMARY KEY, name text);
INSERT INTO customers (name) SELECT 'c' || i FROM generate_series(1, 50) i;
CREATE TABLE orders (id serial PRIMARY KEY, customer_id integer REFERENCES customers, state state DEFAULT 'open',
                     cents integer CHECK (cents > 0), double_cents integer GENERATED ALWAYS AS (cents * 2) STORED);
INSERT INTO orders (customer_id, cents) SELECT i % 50 + 1, i FROM generate_series(1, 5000) i;
CREATE INDEX by_customer ON orders (customer_id);
CREATE VIEW paid AS SELECT * FROM orders WHERE state = 'paid';
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END';
CREATE TRIGGER refuse BEFORE DELETE ON customers FOR EACH ROW EXECUTE FUNCTION refuse();
CREATE TABLE parent (x integer);
CREATE TABLE child (y integer) INHERITS (parent);
INSERT INTO child VALUES (1, 2);
CREATE SCHEMA twin;
CREATE TABLE twin.orders (x integer);
INSERT INTO twin.orders VALUES (1);
SELECT lo_from_bytea(815, 'there');
)sql";

// The live database goes on after the backup; what it was then comes back beside it.
class RestoreBesideTest : public BackupFixture {
 protected:
  static void SetUpTestSuite() { CreateDatabase("shop", kShop); }
  static void TearDownTestSuite() { Drop("shop"); }

  void SetUp() override {
    BackupFixture::SetUp();
    const auto backup = Run(Request("shop"));
    ASSERT_THAT(backup, IsOk());
    artifact_ = backup->path;
  }

  RestoreRequest Beside(const std::string& schema, std::vector<std::string> tables) {
    RestoreRequest request;
    request.artifact_directory = artifact_;
    request.server = Request("postgres").target;
    request.into_database = "shop";
    request.into_schema = schema;
    request.tables = std::move(tables);
    request.jobs = 2;
    request.prove = true;
    return request;
  }

  absl::StatusOr<RestoreOutcome> Restore(const RestoreRequest& request) {
    return RunRestore(request, Clock::Real(), observer_, cancellation_);
  }

  static std::string Ask(const std::string& sql) { return Server().Query(sql, "shop").value_or("?"); }
  static std::string Schemas() {
    return Ask("SELECT string_agg(nspname, ',' ORDER BY nspname) FROM pg_namespace WHERE nspname !~ '^pg_'");
  }
  // Everything of the live part that a careless restore could change.
  static std::string LiveState() {
    return Ask(
        "SELECT (SELECT md5(string_agg(o::text, ',' ORDER BY id)) FROM public.orders o) || '|' ||"
        " (SELECT last_value FROM public.orders_id_seq) || '|' || (SELECT count(*) FROM public.parent) || '|' ||"
        " (SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace) || '|' ||"
        " (SELECT count(*) FROM pg_inherits) || '|' || encode(lo_get(815), 'escape')");
  }

  std::string artifact_;
};

TEST_F(RestoreBesideTest, ATableComesBackAsItWasAndTheLiveOneStaysAsItIs) {
  ASSERT_THAT(Server().Execute("UPDATE orders SET state = 'paid', cents = cents + 1; DELETE FROM orders WHERE id < 100;"
                               "INSERT INTO orders (customer_id, cents) VALUES (1, 1);"
                               "SELECT lo_put(815, 0, 'HERE')",
                               "shop"),
              IsOk());
  const std::string live = LiveState();

  const auto outcome = Restore(Beside("as it \"was", {"public.orders"}));

  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(outcome->table_count, 1);
  EXPECT_EQ(outcome->row_count, 5000);
  EXPECT_TRUE(outcome->contents_compared);
  EXPECT_THAT(outcome->left_out, ElementsAre(HasSubstr("orders_customer_id_fkey")));
  EXPECT_EQ(Ask("SELECT count(*) || ',' || sum(cents) || ',' || sum(double_cents) || ',' || min(state) FROM"
                " \"as it \"\"was\".orders"),
            "5000,12502500,25005000,open");
  EXPECT_EQ(
      Ask("SELECT string_agg(indexname, ',' ORDER BY indexname) FROM pg_indexes WHERE schemaname = 'as it \"was'"),
      "by_customer,orders_pkey");
  EXPECT_EQ(Ask("SELECT string_agg(conname, ',' ORDER BY conname) FROM pg_constraint"
                " WHERE connamespace = '\"as it \"\"was\"'::regnamespace"),
            "orders_cents_check,orders_pkey");
  EXPECT_EQ(LiveState(), live);
  ASSERT_THAT(Server().Execute("DROP SCHEMA \"as it \"\"was\" CASCADE", "shop"), IsOk());
}

TEST_F(RestoreBesideTest, AWholeSchemaComesBack) {
  RestoreRequest request = Beside("twin_then", {});
  request.schemas = {"twin"};

  ASSERT_THAT(Restore(request), IsOk());

  EXPECT_EQ(Ask("SELECT x FROM twin_then.orders"), "1");
  ASSERT_THAT(Server().Execute("DROP SCHEMA twin_then CASCADE", "shop"), IsOk());
}

TEST_F(RestoreBesideTest, WhatHasNoPlaceBesideIsRefusedAndNothingIsLeft) {
  const std::string before = Schemas();
  for (const auto& [schema, tables, why] :
       {std::tuple("then", std::vector<std::string>{"public.child"}, "inherits"),
        std::tuple("then", std::vector<std::string>{}, "orders"),
        std::tuple("twin", std::vector<std::string>{"public.orders"}, "already"),
        std::tuple("pg_x", std::vector<std::string>{"public.orders"}, "itself"),
        std::tuple("postgres", std::vector<std::string>{"public.orders"}, "role")}) {
    const auto outcome = Restore(Beside(schema, tables));

    EXPECT_THAT(outcome, HasReason("RESTORE_REFUSED")) << why;
    EXPECT_THAT(std::string(outcome.status().message()), HasSubstr(why));
    EXPECT_EQ(Schemas(), before);
  }
}

TEST_F(RestoreBesideTest, WhatAKilledOrAnotherRestoreMakesIsLeftAloneAndTold) {
  const std::string left = std::filesystem::path(artifact_).filename();
  ASSERT_THAT(Server().Execute(absl::StrCat("CREATE SCHEMA \"backupctl restoring ", left, "\""), "shop"), IsOk());
  const std::string before = Schemas();

  const auto outcome = Restore(Beside("never", {"public.orders"}));

  EXPECT_THAT(outcome, HasReason("RESTORE_REFUSED"));
  EXPECT_THAT(std::string(outcome.status().message()), HasSubstr(left));
  EXPECT_EQ(Schemas(), before);
  ASSERT_THAT(Server().Execute(absl::StrCat("DROP SCHEMA \"backupctl restoring ", left, "\""), "shop"), IsOk());
}

TEST_F(RestoreBesideTest, NobodyElseCanReadWhatCameBack) {
  ASSERT_THAT(
      Server().Execute("CREATE ROLE onlooker; ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO PUBLIC, onlooker;"
                       "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO onlooker",
                       "shop"),
      IsOk());

  ASSERT_THAT(Restore(Beside("kept", {"public.orders"})), IsOk());

  EXPECT_EQ(Ask("SELECT has_schema_privilege('onlooker', 'kept', 'USAGE')::text"), "false");
  ASSERT_THAT(Server().Execute("DROP SCHEMA kept CASCADE; DROP OWNED BY onlooker; DROP ROLE onlooker;"
                               "ALTER DEFAULT PRIVILEGES REVOKE USAGE ON SCHEMAS FROM PUBLIC",
                               "shop"),
              IsOk());
}

TEST_F(RestoreBesideTest, SubscribersAreNotStoppedByTablesTheyDoNotHave) {
  ASSERT_THAT(Server().Execute("CREATE PUBLICATION everything FOR ALL TABLES", "shop"), IsOk());
  const std::string before = Schemas();

  const auto outcome = Restore(Beside("published", {"public.orders"}));

  EXPECT_THAT(outcome, HasReason("RESTORE_REFUSED"));
  EXPECT_THAT(std::string(outcome.status().message()), HasSubstr("everything"));
  EXPECT_EQ(Schemas(), before);
  ASSERT_THAT(Server().Execute("DROP PUBLICATION everything", "shop"), IsOk());
}

TEST_F(RestoreBesideTest, LimitsOnTimeOfTheDatabaseDoNotHoldForARestore) {
  ASSERT_THAT(Server().Execute("ALTER DATABASE shop SET statement_timeout = '1min';"
                               "ALTER DATABASE shop SET idle_session_timeout = '1min'"),
              IsOk());
  const auto conninfo = Conninfo::Parse(Request("shop").target);
  ASSERT_THAT(conninfo, IsOk());

  const auto session = ConnectForRestore(*conninfo, cancellation_);

  ASSERT_THAT(session, IsOk());
  for (const char* setting : {"statement_timeout", "lock_timeout", "idle_session_timeout"}) {
    const auto value = (*session)->Query(absl::StrCat("SHOW ", setting), absl::Seconds(30));
    ASSERT_THAT(value, IsOk());
    EXPECT_EQ((*value)[0][0], "0") << setting;
  }
  ASSERT_THAT(Server().Execute("ALTER DATABASE shop RESET ALL"), IsOk());
}

TEST_F(RestoreBesideTest, ARestoreThatFailsLeavesNoSchema) {
  const std::string before = Schemas();
  ASSERT_THAT(Server().Execute("ALTER TYPE state RENAME TO state_of_another_day", "shop"), IsOk());

  const auto outcome = Restore(Beside("then", {"public.customers", "public.orders"}));

  ASSERT_FALSE(outcome.ok());
  EXPECT_THAT(std::string(outcome.status().message()), HasSubstr("state"));
  EXPECT_EQ(Schemas(), before);
  ASSERT_THAT(Server().Execute("ALTER TYPE state_of_another_day RENAME TO state", "shop"), IsOk());
}

TEST_F(RestoreBesideTest, APlanNamesWhatIsInTheWay) {
  RestoreRequest request = Beside("twin", {});

  const auto plan = PlanRestore(request, Clock::Real(), observer_, cancellation_);

  ASSERT_THAT(plan, IsOk());
  EXPECT_THAT(plan->obstacles, ElementsAre(HasSubstr("a schema \"twin\" already"), HasSubstr("only one has room")));
  EXPECT_THAT(PlanRestore(Beside("then", {"public.orders"}), Clock::Real(), observer_, cancellation_)->obstacles,
              ElementsAre());
}

}  // namespace
}  // namespace backup::agent
