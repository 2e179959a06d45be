// SPDX-License-Identifier: Apache-2.0
#include <google/protobuf/util/message_differencer.h>

#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "server/store/agent_rows.h"
#include "server/store/list_query.h"
#include "server/store/postgres_rep.h"
#include "server/store/write_rules.h"

namespace backup::server {
namespace {

constexpr char kAgentScope[] = "agents";

struct KnownDatabase {
  v1::Database database;
  bool readable = false;
  bool gone = false;
};

std::map<std::string, KnownDatabase> ReadKnownDatabases(pqxx::transaction_base& transaction, const std::string& agent) {
  std::map<std::string, KnownDatabase> known;
  for (const pqxx::row& row :
       Exec(transaction, "SELECT name, gone, data FROM databases WHERE agent = $1", SqlParams().Text(agent))) {
    RowReader reader(row, "databases");
    KnownDatabase entry;
    reader.Json("data", &entry.database);
    entry.database.set_name(row["name"].c_str());
    entry.gone = reader.Bool("gone");
    // A report replaces a row that cannot be read.
    entry.readable = reader.ok();
    if (!reader.ok()) LogInvalidRow(reader.status());
    known[entry.database.name()] = std::move(entry);
  }
  return known;
}

// Brings the agent's databases to what it reported. Returns whether the set or its labels changed.
bool RecordDatabases(pqxx::transaction_base& transaction, const AgentReport& report) {
  std::map<std::string, v1::Database> reported;
  for (const v1::Database& database : report.databases) reported[database.name()] = ReportedDatabase(database);
  const std::map<std::string, KnownDatabase> known = ReadKnownDatabases(transaction, report.agent.name());
  bool changed = false;
  for (const auto& [name, database] : reported) {
    const auto it = known.find(name);
    const bool present = it != known.end() && it->second.readable && !it->second.gone;
    changed |= !present || !SameLabels(it->second.database, database);
    if (present && google::protobuf::util::MessageDifferencer::Equals(it->second.database, database)) continue;
    PutDatabase(transaction, database);
  }
  std::vector<std::string> gone;
  for (const auto& [name, database] : known) {
    if (!database.gone && !reported.contains(name)) gone.push_back(name);
  }
  if (gone.empty()) return changed;
  Exec(transaction, "UPDATE databases SET gone = true WHERE name = ANY($1::text[])", SqlParams().TextArray(gone));
  return true;
}

}  // namespace

absl::StatusOr<v1::Agent> PostgresStore::GetAgent(absl::string_view name) {
  if (!ParseAgentName(name).ok()) return AgentNotFound(name);
  return rep_->executor.Read([&](pqxx::transaction_base& transaction) -> absl::StatusOr<v1::Agent> {
    const pqxx::result rows = Exec(transaction, absl::StrCat("SELECT ", kAgentColumns, " FROM agents WHERE name = $1"),
                                   SqlParams().Text(name));
    if (rows.empty()) return AgentNotFound(name);
    return DecodeAgent(rows[0]);
  });
}

absl::StatusOr<Page<v1::Agent>> PostgresStore::ListAgents(const PageRequest& page) {
  RETURN_IF_ERROR(CheckPageSize(page));
  ASSIGN_OR_RETURN(const std::string after, ParsePageToken(kAgentScope, page.token));
  Conditions conditions;
  conditions.Greater("name", after);
  return rep_->executor.Read([&](pqxx::transaction_base& transaction) -> absl::StatusOr<Page<v1::Agent>> {
    const pqxx::result rows = Exec(transaction,
                                   absl::StrCat("SELECT ", kAgentColumns, " FROM agents", conditions.Where(),
                                                " ORDER BY name LIMIT ", page.size + 1),
                                   conditions.params());
    return MakePage(rows, page.size, kAgentScope, "name", &DecodeAgent);
  });
}

absl::StatusOr<v1::Database> PostgresStore::GetDatabase(absl::string_view name) {
  if (!ParseDatabaseName(name).ok()) return DatabaseNotFound(name);
  return rep_->executor.Read([&](pqxx::transaction_base& transaction) -> absl::StatusOr<v1::Database> {
    const pqxx::result rows =
        Exec(transaction, absl::StrCat(kSelectDatabases, " WHERE NOT d.gone AND d.name = $1"), SqlParams().Text(name));
    if (rows.empty()) return DatabaseNotFound(name);
    return DecodeDatabase(rows[0]);
  });
}

absl::StatusOr<Page<v1::Database>> PostgresStore::ListDatabases(absl::string_view agent, const PageRequest& page) {
  RETURN_IF_ERROR(CheckPageSize(page));
  const std::string scope = absl::StrCat("databases:", agent);
  ASSIGN_OR_RETURN(const std::string after, ParsePageToken(scope, page.token));
  if (!agent.empty() && !ParseAgentName(agent).ok()) return Page<v1::Database>();
  Conditions conditions;
  conditions.Greater("d.name", after);
  if (!agent.empty()) conditions.Equal("d.agent", agent);
  return rep_->executor.Read([&](pqxx::transaction_base& transaction) -> absl::StatusOr<Page<v1::Database>> {
    const pqxx::result rows = Exec(
        transaction,
        absl::StrCat(kSelectDatabases, conditions.Where(), " AND NOT d.gone ORDER BY d.name LIMIT ", page.size + 1),
        conditions.params());
    return MakePage(rows, page.size, scope, "name", &DecodeDatabase);
  });
}

absl::StatusOr<RecordedReport> PostgresStore::RecordAgentReport(const AgentReport& report) {
  RETURN_IF_ERROR(CheckAgentReport(report));
  if (!ParseAgentName(report.agent.name()).ok()) return AgentNotFound(report.agent.name());
  return rep_->executor.Write([&](pqxx::transaction_base& transaction) -> absl::StatusOr<RecordedReport> {
    const pqxx::result rows = Exec(
        transaction, absl::StrCat("SELECT ", kAgentColumns, ", report_sequence FROM agents WHERE name = $1 FOR UPDATE"),
        SqlParams().Text(report.agent.name()));
    if (rows.empty()) return AgentNotFound(report.agent.name());
    ASSIGN_OR_RETURN(v1::Agent agent, DecodeAgent(rows[0]));
    if (agent.boot_id() == report.agent.boot_id() && report.sequence < rows[0]["report_sequence"].as<int64_t>()) {
      return RecordedReport();
    }
    RecordedReport recorded;
    recorded.recorded = true;
    KeepEnrollment(report.agent, &agent);
    PutAgent(transaction, agent, report.sequence);
    recorded.databases_changed = RecordDatabases(transaction, report);
    return recorded;
  });
}

}  // namespace backup::server
