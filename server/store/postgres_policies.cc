// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "server/store/event_rows.h"
#include "server/store/list_query.h"
#include "server/store/policy_rows.h"
#include "server/store/postgres_rep.h"
#include "server/store/run_rows.h"
#include "server/store/write_rules.h"

namespace backup::server {
namespace {

constexpr char kScope[] = "policies";

absl::StatusOr<std::optional<v1::Policy>> ReadPolicy(pqxx::transaction_base& transaction, absl::string_view name) {
  const pqxx::result rows =
      Exec(transaction, absl::StrCat(kSelectPolicies, " WHERE p.name = $1"), SqlParams().Text(name));
  if (rows.empty()) return std::optional<v1::Policy>();
  ASSIGN_OR_RETURN(v1::Policy policy, DecodePolicy(rows[0]));
  return std::optional<v1::Policy>(std::move(policy));
}

absl::StatusOr<v1::Database> DecodeCoverable(const pqxx::row& row) {
  RowReader reader(row, "databases");
  v1::Database database;
  reader.Json("data", &database);
  database.set_name(reader.Text("name"));
  if (!reader.ok()) return reader.status();
  if (AgentOfDatabase(database.name()).empty()) return reader.Invalid("name", "is no resource name");
  return database;
}

absl::StatusOr<PolicyView> ReadView(pqxx::transaction_base& transaction, absl::string_view name) {
  // Locks what may not be there yet.
  Exec(transaction, "SELECT pg_advisory_xact_lock(hashtextextended('policy ' || $1, 0))", SqlParams().Text(name));
  PolicyView view;
  ASSIGN_OR_RETURN(view.policy, ReadPolicy(transaction, name));
  // Only what selectors look at: there may be many thousands.
  view.databases =
      DecodeRows(Exec(transaction,
                      "SELECT name, jsonb_strip_nulls(jsonb_build_object('displayName', data -> 'displayName', "
                      "'labels', data -> 'labels')) AS data FROM databases WHERE NOT gone ORDER BY name"),
                 &DecodeCoverable);
  view.scheduled_runs =
      DecodeRows(Exec(transaction,
                      absl::StrCat("SELECT ", kRunColumns,
                                   " FROM runs WHERE policy = $1 AND state = 'SCHEDULED' ORDER BY sequence FOR UPDATE"),
                      SqlParams().Text(name)),
                 &DecodeRun);
  return view;
}

void WithdrawRuns(pqxx::transaction_base& transaction, absl::string_view policy, absl::Span<const std::string> names) {
  if (names.empty()) return;
  Exec(transaction, "DELETE FROM runs WHERE name = ANY($1::text[]) AND policy = $2 AND state = 'SCHEDULED'",
       SqlParams().TextArray(names).Text(policy));
}

// The rows are locked since they were read, so the view tells what they hold.
void ReplanRuns(pqxx::transaction_base& transaction, const PolicyView& view, absl::Span<const v1::Run> updates) {
  if (updates.empty()) return;
  std::map<std::string, v1::Run> stored;
  for (const v1::Run& run : view.scheduled_runs) stored[run.name()] = run;
  std::vector<v1::Run> changed;
  for (const v1::Run& update : updates) {
    const auto run = stored.find(update.name());
    if (run == stored.end()) continue;
    ReplanRun(update, &run->second);
    changed.push_back(run->second);
  }
  UpdateRuns(transaction, changed);
}

}  // namespace

absl::StatusOr<v1::Policy> PostgresStore::GetPolicy(absl::string_view name) {
  if (!ParsePolicyName(name).ok()) return PolicyNotFound(name);
  return rep_->executor.Read([&](pqxx::transaction_base& transaction) -> absl::StatusOr<v1::Policy> {
    ASSIGN_OR_RETURN(std::optional<v1::Policy> policy, ReadPolicy(transaction, name));
    if (!policy.has_value()) return PolicyNotFound(name);
    return *std::move(policy);
  });
}

absl::StatusOr<Page<v1::Policy>> PostgresStore::ListPolicies(const PageRequest& page) {
  RETURN_IF_ERROR(CheckPageSize(page));
  ASSIGN_OR_RETURN(const std::string after, ParsePageToken(kScope, page.token));
  Conditions conditions;
  conditions.Greater("p.name", after);
  return rep_->executor.Read([&](pqxx::transaction_base& transaction) -> absl::StatusOr<Page<v1::Policy>> {
    const pqxx::result rows =
        Exec(transaction, absl::StrCat(kSelectPolicies, conditions.Where(), " ORDER BY p.name LIMIT ", page.size + 1),
             conditions.params());
    return MakePage(rows, page.size, kScope, "name", &DecodePolicy);
  });
}

absl::StatusOr<v1::Policy> PostgresStore::ChangePolicy(absl::string_view name, absl::Time now,
                                                       const PolicyDecision& decide) {
  const bool nameable = ParsePolicyName(name).ok();
  return rep_->executor.Write([&](pqxx::transaction_base& transaction) -> absl::StatusOr<v1::Policy> {
    PolicyView view;
    if (nameable) {
      ASSIGN_OR_RETURN(view, ReadView(transaction, name));
    }
    ASSIGN_OR_RETURN(const PolicyChange change, decide(view));
    RETURN_IF_ERROR(CheckPolicyChange(name, change));
    if (change.delete_policy) Exec(transaction, "DELETE FROM policies WHERE name = $1", SqlParams().Text(name));
    if (change.put_policy.has_value()) PutPolicy(transaction, *change.put_policy, now);
    WithdrawRuns(transaction, name, change.withdraw_runs);
    ReplanRuns(transaction, view, change.update_runs);
    std::vector<v1::Run> created = change.create_runs;
    for (v1::Run& run : created) CompleteNewRun(now, &run);
    InsertRuns(transaction, created);
    InsertEvents(transaction, change.events);
    ASSIGN_OR_RETURN(std::optional<v1::Policy> policy, ReadPolicy(transaction, name));
    return policy.has_value() ? *std::move(policy) : v1::Policy();
  });
}

}  // namespace backup::server
