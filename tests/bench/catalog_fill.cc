// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/catalog_fill.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/proto_json.h"
#include "base/status_macros.h"
#include "server/store/catalog_url.h"
#include "tests/bench/copy_writer.h"
#include "tests/bench/history_rows.h"

namespace backup::bench {
namespace {

absl::Status CopyFleet(const std::string& conninfo, const BenchFleet& fleet) {
  ASSIGN_OR_RETURN(const std::unique_ptr<CopyWriter> agents,
                   CopyWriter::Open(conninfo,
                                    "agents (name, boot_id, report_sequence, last_seen_time, enroll_time, "
                                    "certificate_expire_time, data)"));
  for (v1::Agent agent : fleet.agents()) {
    agents->Text(agent.name()).Text(agent.boot_id()).Int(1).Time(ToAbsl(agent.last_seen_time()));
    agents->Time(ToAbsl(agent.enroll_time())).Time(ToAbsl(agent.certificate_expire_time()));
    agent.clear_name();
    agent.clear_boot_id();
    agent.clear_last_seen_time();
    agent.clear_enroll_time();
    agent.clear_certificate_expire_time();
    agents->Text(ToJson(agent)).EndRow();
  }
  RETURN_IF_ERROR(agents->Finish());
  ASSIGN_OR_RETURN(const std::unique_ptr<CopyWriter> databases,
                   CopyWriter::Open(conninfo, "databases (name, agent, gone, data)"));
  for (const BenchDatabase& database : fleet.databases()) {
    v1::Database data;
    data.set_display_name("orders");
    (*data.mutable_labels())["group"] = database.group;
    if (database.hourly) (*data.mutable_labels())["hourly"] = "yes";
    databases->Text(database.name).Text(database.agent).Bool(false).Text(ToJson(data)).EndRow();
  }
  RETURN_IF_ERROR(databases->Finish());
  ASSIGN_OR_RETURN(const std::unique_ptr<CopyWriter> policies,
                   CopyWriter::Open(conninfo, "policies (name, create_time, update_time, data)"));
  for (v1::Policy policy : fleet.policies()) {
    policies->Text(policy.name()).Time(fleet.Now() - absl::Hours(24)).Time(fleet.Now() - absl::Hours(24));
    policy.clear_name();
    policies->Text(ToJson(policy)).EndRow();
  }
  return policies->Finish();
}

absl::Status CopyHistory(const std::string& conninfo, const BenchFleet& fleet) {
  ASSIGN_OR_RETURN(const std::unique_ptr<HistoryRows> rows, HistoryRows::Open(conninfo, fleet));
  fleet.ForEachRun([&](const BenchRun& run) { rows->Add(run); });
  return rows->Finish();
}

// Takes away what is made anew, in a fraction of the time, when the rows are in: foreign keys, and indexes that no
// constraint needs. Returns the statements for that.
absl::StatusOr<std::vector<std::string>> DropIndexes(const std::string& conninfo) {
  const std::string of_tables =
      "FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid "
      "WHERE c.relnamespace = 'backupctl'::regnamespace AND t.relname IN ('runs', 'backups', 'events') "
      "AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid)";
  ASSIGN_OR_RETURN(std::vector<std::string> definitions,
                   QuerySql(conninfo, "SELECT pg_get_indexdef(i.indexrelid) " + of_tables));
  ASSIGN_OR_RETURN(const std::vector<std::string> names, QuerySql(conninfo, "SELECT c.relname " + of_tables));
  for (const std::string& name : names) RETURN_IF_ERROR(ExecuteSql(conninfo, "DROP INDEX " + name));
  const std::string of_keys =
      "FROM pg_constraint WHERE contype = 'f' AND conrelid IN ('backup_manifests'::regclass, "
      "'run_log_lines'::regclass)";
  ASSIGN_OR_RETURN(const std::vector<std::string> keys,
                   QuerySql(conninfo,
                            "SELECT format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, "
                            "pg_get_constraintdef(oid)) " +
                                of_keys));
  ASSIGN_OR_RETURN(
      const std::vector<std::string> drops,
      QuerySql(conninfo, "SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) " + of_keys));
  for (const std::string& drop : drops) RETURN_IF_ERROR(ExecuteSql(conninfo, drop));
  definitions.insert(definitions.end(), keys.begin(), keys.end());
  return definitions;
}

}  // namespace

absl::Status FillCatalog(const std::string& url, const BenchFleet& fleet) {
  ASSIGN_OR_RETURN(const std::string conninfo, server::CatalogConninfo(url));
  ASSIGN_OR_RETURN(const std::vector<std::string> found, QuerySql(conninfo, "SELECT name FROM agents LIMIT 1"));
  if (!found.empty()) return absl::FailedPreconditionError("the catalog is not empty");
  ASSIGN_OR_RETURN(const std::vector<std::string> indexes, DropIndexes(conninfo));
  RETURN_IF_ERROR(ExecuteSql(conninfo, "ALTER TABLE backups DISABLE TRIGGER USER"));
  RETURN_IF_ERROR(ExecuteSql(conninfo, "ALTER TABLE runs DISABLE TRIGGER USER"));
  RETURN_IF_ERROR(CopyFleet(conninfo, fleet));
  RETURN_IF_ERROR(CopyHistory(conninfo, fleet));
  RETURN_IF_ERROR(ExecuteSql(conninfo, "ALTER TABLE backups ENABLE TRIGGER USER"));
  RETURN_IF_ERROR(ExecuteSql(conninfo, "ALTER TABLE runs ENABLE TRIGGER USER"));
  RETURN_IF_ERROR(ExecuteSql(conninfo,
                             "INSERT INTO backup_totals SELECT database, count(*) FILTER (WHERE state = 'GOOD'), "
                             "sum(size_bytes) FROM backups GROUP BY database"));
  RETURN_IF_ERROR(ExecuteSql(conninfo,
                             "INSERT INTO due_counts SELECT date_trunc('hour', slot_time, 'UTC'), "
                             "hashtext(database) & 31, count(*), count(*) FILTER (WHERE state = 'SUCCEEDED') "
                             "FROM runs WHERE state <> 'SCHEDULED' AND NOT manual GROUP BY 1, 2"));
  for (const std::string& index : indexes) {
    RETURN_IF_ERROR(ExecuteSql(conninfo, "SET maintenance_work_mem = '512MB'; " + index));
  }
  for (const char* table : {"runs", "backups", "events"}) {
    RETURN_IF_ERROR(ExecuteSql(conninfo, absl::StrCat("SELECT setval(pg_get_serial_sequence('", table,
                                                      "', 'sequence'), (SELECT max(sequence) FROM ", table, "))")));
  }
  return ExecuteSql(conninfo, "VACUUM (ANALYZE)");
}

}  // namespace backup::bench
