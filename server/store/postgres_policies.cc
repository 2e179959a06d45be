// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/proto_json.h"
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

absl::StatusOr<std::optional<v1::Policy>> ReadPolicy(pqxx::transaction_base& transaction, absl::string_view name,
                                                     const char* select = kSelectPolicies) {
  const pqxx::result rows = Exec(transaction, absl::StrCat(select, " WHERE p.name = $1"), SqlParams().Text(name));
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

void LockPolicy(pqxx::transaction_base& transaction, absl::string_view name) {
  // Locks what may not be there yet.
  Exec(transaction, "SELECT pg_advisory_xact_lock(hashtextextended('policy ' || $1, 0))", SqlParams().Text(name));
}

// As the limit of a part: all databases.
constexpr int kWholeFleet = 1 << 30;

// A part of the fleet.
struct Part {
  std::string after;  // Databases beyond this name,
  std::string last;   // up to this one; "" for all beyond.
};

// Conditions on a run's `database`, of the part; its names become the next parameters.
std::string InPart(const char* database, const Part& part, int first, SqlParams* params) {
  std::string text;
  if (!part.after.empty()) {
    params->Text(part.after);
    absl::StrAppend(&text, " AND ", database, " > $", first++);
  }
  if (!part.last.empty()) {
    params->Text(part.last);
    absl::StrAppend(&text, " AND ", database, " <= $", first);
  }
  return text;
}

// Steps from each pair of database and kind to the next, so that its cost is theirs and not that of all their runs.
std::string KnownSlotsSql(const std::string& in_part) {
  return absl::StrCat(
      "WITH RECURSIVE pairs AS ("
      "(SELECT r.database, r.kind FROM runs r WHERE r.policy = $1 AND NOT r.manual",
      in_part,
      " ORDER BY r.database, r.kind LIMIT 1) "
      "UNION ALL SELECT n.database, n.kind FROM pairs p CROSS JOIN LATERAL ("
      "SELECT r.database, r.kind FROM runs r WHERE r.policy = $1 AND NOT r.manual "
      "AND (r.database, r.kind) > (p.database, p.kind)",
      in_part,
      " ORDER BY r.database, r.kind LIMIT 1) n) "
      "SELECT p.database AS name, p.kind, "
      "(SELECT max(slot_time) FROM runs r WHERE r.policy = $1 AND r.database = p.database AND r.kind = p.kind "
      "AND NOT r.manual) AS last, "
      "(SELECT max(slot_time) FROM runs r WHERE r.policy = $1 AND r.database = p.database AND r.kind = p.kind "
      "AND NOT r.manual AND r.slot_time <= $2) AS last_due "
      "FROM pairs p");
}

void ReadKnownSlots(pqxx::transaction_base& transaction, absl::string_view name, absl::Time now, const Part& part,
                    PolicyView& view) {
  SqlParams params;
  params.Text(name).Time(now);
  const std::string in_part = InPart("r.database", part, 3, &params);
  for (const pqxx::row& row : Exec(transaction, KnownSlotsSql(in_part), params)) {
    RowReader reader(row, "runs");
    const auto kind =
        reader.Enum<v1::RunKind>("kind", [](const std::string& t, v1::RunKind* v) { return RunKind_Parse(t, v); });
    KnownSlots slots;
    google::protobuf::Timestamp time;
    if (reader.DerivedTime("last", &time)) slots.last = ToAbsl(time);
    if (reader.DerivedTime("last_due", &time)) slots.last_due = ToAbsl(time);
    const std::string database = reader.Text("name");
    if (reader.ok()) {
      view.known_slots[{kind, database}] = slots;
    } else {
      LogInvalidRow(reader.status());
    }
  }
}

absl::Time ReadPlannedTime(pqxx::transaction_base& transaction, absl::string_view name) {
  const pqxx::result rows =
      Exec(transaction, "SELECT planned_time FROM policies WHERE name = $1", SqlParams().Text(name));
  google::protobuf::Timestamp time;
  if (rows.empty()) return absl::InfinitePast();
  const pqxx::row row = rows[0];
  RowReader reader(row, "policies");
  return reader.DerivedTime("planned_time", &time) ? ToAbsl(time) : absl::InfinitePast();
}

// Only what selectors look at: there may be many thousands.
constexpr char kSelectCoverable[] =
    "SELECT name, jsonb_strip_nulls(jsonb_build_object('displayName', data -> 'displayName', "
    "'labels', data -> 'labels')) AS data FROM databases WHERE NOT gone ";

std::vector<v1::Run> ReadEndedAhead(pqxx::transaction_base& transaction, absl::string_view name, absl::Time now,
                                    const Part& part, const char* lock) {
  SqlParams params;
  params.Text(name).Time(now).Time(now + kPlanningHorizon);
  const std::string in_part = InPart("database", part, 4, &params);
  return DecodeRows(
      Exec(transaction,
           absl::StrCat("SELECT ", kRunColumns,
                        " FROM runs WHERE policy = $1 AND slot_time > $2 AND slot_time <= $3 AND NOT manual "
                        "AND state IN ('MISSED', 'SKIPPED', 'LOST') "
                        "AND (state <> 'LOST' OR data ->> 'attemptId' IS NULL)",
                        in_part, " ORDER BY slot_time, sequence LIMIT ", kMaxEndedAhead, lock),
           params),
      &DecodeRun);
}

// Which part begins at `after`, and its databases.
Part ReadPart(pqxx::transaction_base& transaction, absl::string_view after, int limit, PolicyView* view) {
  Part part{std::string(after), ""};
  const pqxx::result rows =
      Exec(transaction, absl::StrCat(kSelectCoverable, "AND name > $1 ORDER BY name LIMIT ", limit + 1),
           SqlParams().Text(after));
  view->databases = DecodeRows(rows, &DecodeCoverable);
  if (static_cast<int>(rows.size()) <= limit) return part;
  part.last = rows[limit - 1]["name"].c_str();
  std::erase_if(view->databases, [&](const v1::Database& database) { return database.name() > part.last; });
  return part;
}

std::vector<v1::Run> ReadScheduledRuns(pqxx::transaction_base& transaction, absl::string_view policy, const Part& part,
                                       const char* lock) {
  SqlParams params;
  params.Text(policy).Text(part.after);
  if (!part.last.empty()) params.Text(part.last);
  return DecodeAlikeRuns(Exec(transaction,
                              absl::StrCat("SELECT ", kRunColumns,
                                           " FROM runs WHERE policy = $1 AND state = 'SCHEDULED' AND NOT manual "
                                           "AND database > $2",
                                           part.last.empty() ? "" : " AND database <= $3", " ORDER BY database", lock),
                              params));
}

// Reads the part's runs and slots; `lock` is " FOR UPDATE" or nothing.
void ReadRunsOfPart(pqxx::transaction_base& transaction, absl::string_view policy, absl::Time now, const Part& part,
                    const char* lock, PolicyView* view) {
  view->scheduled_runs = ReadScheduledRuns(transaction, policy, part, lock);
  view->ended_ahead = ReadEndedAhead(transaction, policy, now, part, lock);
}

Part ReadView(pqxx::transaction_base& transaction, absl::string_view name, absl::Time now, absl::string_view after,
              int limit, const char* lock, PolicyView* view) {
  Part part = ReadPart(transaction, after, limit, view);
  view->last_part = part.last.empty();
  ReadRunsOfPart(transaction, name, now, part, lock, view);
  view->planned_time = ReadPlannedTime(transaction, name);
  if (PlanMayHaveEnded(view->planned_time, now)) ReadKnownSlots(transaction, name, now, part, *view);
  return part;
}

// Whatever the view shows.
void DeletePolicy(pqxx::transaction_base& transaction, absl::string_view name) {
  Exec(transaction, "DELETE FROM runs WHERE policy = $1 AND state = 'SCHEDULED'", SqlParams().Text(name));
  Exec(transaction, "DELETE FROM policies WHERE name = $1", SqlParams().Text(name));
}

void WithdrawRuns(pqxx::transaction_base& transaction, absl::string_view policy, absl::Span<const std::string> names) {
  if (names.empty()) return;
  Exec(transaction, "DELETE FROM runs WHERE name = ANY($1::text[]) AND policy = $2 AND state = 'SCHEDULED'",
       SqlParams().TextArray(names).Text(policy));
}

// The rows are locked since they were read.
void ReopenRuns(pqxx::transaction_base& transaction, const PolicyView& view, absl::Span<const v1::Run> runs) {
  std::vector<v1::Run> changed;
  for (const v1::Run& run : runs) {
    const auto stored = std::find_if(view.ended_ahead.begin(), view.ended_ahead.end(),
                                     [&](const v1::Run& ended) { return ended.name() == run.name(); });
    if (stored == view.ended_ahead.end()) continue;
    changed.push_back(run);
    KeepIdentity(*stored, &changed.back());
  }
  if (!changed.empty()) UpdateRuns(transaction, changed);
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

void ApplyRuns(pqxx::transaction_base& transaction, absl::string_view name, absl::Time now, const PolicyView& view,
               const PolicyChange& change) {
  WithdrawRuns(transaction, name, change.withdraw_runs);
  ReplanRuns(transaction, view, change.update_runs);
  ReopenRuns(transaction, view, change.reopen_runs);
  std::vector<v1::Run> created = change.create_runs;
  for (v1::Run& run : created) CompleteNewRun(now, &run);
  InsertRuns(transaction, created);
  InsertEvents(transaction, change.events);
}

void SetPlannedTime(pqxx::transaction_base& transaction, absl::string_view name, absl::Time time) {
  Exec(transaction, "UPDATE policies SET planned_time = $2 WHERE name = $1", SqlParams().Text(name).Time(time));
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

absl::StatusOr<std::vector<v1::Policy>> PostgresStore::ReadPolicies() {
  return rep_->executor.Read([&](pqxx::transaction_base& transaction) -> absl::StatusOr<std::vector<v1::Policy>> {
    return DecodeRows(Exec(transaction, absl::StrCat(kSelectPolicyRules, " ORDER BY p.name")), &DecodePolicy);
  });
}

absl::StatusOr<std::string> PostgresStore::ChangePolicyPart(absl::string_view name, absl::Time now,
                                                            absl::string_view after, int limit,
                                                            const PolicyDecision& decide) {
  if (!ParsePolicyName(name).ok()) return std::string();
  return rep_->executor.Write([&](pqxx::transaction_base& transaction) -> absl::StatusOr<std::string> {
    LockPolicy(transaction, name);
    PolicyView view;
    ASSIGN_OR_RETURN(view.policy, ReadPolicy(transaction, name, kSelectPolicyRules));
    const Part part = ReadView(transaction, name, now, after, limit, "", &view);
    ASSIGN_OR_RETURN(PolicyChange change, decide(view));
    if (!change.update_runs.empty() || !change.withdraw_runs.empty() || !change.reopen_runs.empty()) {
      // A lock is a write, and mostly there is nothing to do: only now.
      ReadRunsOfPart(transaction, name, now, part, " FOR UPDATE", &view);
      ASSIGN_OR_RETURN(change, decide(view));
    }
    RETURN_IF_ERROR(CheckPolicyChange(name, change));
    if (change.delete_policy) DeletePolicy(transaction, name);
    if (change.put_policy.has_value()) PutPolicy(transaction, *change.put_policy, now);
    ApplyRuns(transaction, name, now, view, change);
    if (change.planned_time.has_value()) SetPlannedTime(transaction, name, *change.planned_time);
    return part.last;
  });
}

absl::StatusOr<v1::Policy> PostgresStore::ChangePolicy(absl::string_view name, absl::Time now,
                                                       const PolicyDecision& decide) {
  const bool nameable = ParsePolicyName(name).ok();
  return rep_->executor.Write([&](pqxx::transaction_base& transaction) -> absl::StatusOr<v1::Policy> {
    PolicyView view;
    if (nameable) {
      LockPolicy(transaction, name);
      ASSIGN_OR_RETURN(view.policy, ReadPolicy(transaction, name));
      ReadView(transaction, name, now, "", kWholeFleet, " FOR UPDATE", &view);
    }
    ASSIGN_OR_RETURN(const PolicyChange change, decide(view));
    RETURN_IF_ERROR(CheckPolicyChange(name, change));
    if (change.delete_policy) DeletePolicy(transaction, name);
    if (change.put_policy.has_value()) PutPolicy(transaction, *change.put_policy, now);
    ApplyRuns(transaction, name, now, view, change);
    if (change.planned) SetPlannedTime(transaction, name, now);
    ASSIGN_OR_RETURN(std::optional<v1::Policy> policy, ReadPolicy(transaction, name));
    return policy.has_value() ? *std::move(policy) : v1::Policy();
  });
}

}  // namespace backup::server
