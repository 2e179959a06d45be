// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/proto_json.h"
#include "base/status_macros.h"
#include "server/domain/backup_hold.h"
#include "server/store/failing_policies.h"
#include "server/store/list_query.h"
#include "server/store/postgres_rep.h"

namespace backup::server {
namespace {

constexpr char kRetentionScope[] = "retention";

// By database and policy.
using Views = std::map<DatabasePolicy, RetentionView>;

std::vector<std::string> ExistingStates() {
  std::vector<std::string> names;
  for (int state = v1::BackupState_MIN + 1; state <= v1::BackupState_MAX; ++state) {
    if (state != v1::DELETED && state != v1::DELETING) names.push_back(v1::BackupState_Name(state));
  }
  return names;
}

absl::StatusOr<RetainedBackup> DecodeRetained(const pqxx::row& row, absl::Time now) {
  RowReader reader(row, "backups");
  RetainedBackup backup;
  backup.name = reader.Text("name");
  backup.sequence = reader.Int("sequence");
  google::protobuf::Timestamp time;
  if (reader.OptionalTime("snapshot_time", &time)) backup.snapshot_time = ToAbsl(time);
  backup.size_bytes = reader.Count("size_bytes");
  backup.state = reader.Enum<v1::BackupState>(
      "state", [](const std::string& t, v1::BackupState* v) { return BackupState_Parse(t, v); });
  backup.proven = reader.Bool("proven");
  v1::Backup held;
  if (!row["hold"].is_null()) reader.Json("hold", held.mutable_hold());
  backup.held = IsHeld(held, now);
  if (!reader.ok()) return reader.status();
  return backup;
}

// Names of backups that something reads, or is about to.
std::set<std::string> ReadInUse(pqxx::transaction_base& transaction) {
  std::set<std::string> names;
  for (const pqxx::row& row : Exec(transaction,
                                   "SELECT data ->> 'backup' FROM runs WHERE kind IN ('VERIFY', 'RESTORE', 'DRILL') "
                                   "AND state IN ('PENDING', 'RUNNING') AND data ? 'backup'")) {
    names.insert(row[0].c_str());
  }
  return names;
}

Views ReadViews(pqxx::transaction_base& transaction, const std::vector<std::string>& databases, absl::Time now) {
  const std::set<std::string> in_use = ReadInUse(transaction);
  Views views;
  for (const pqxx::row& row : Exec(transaction,
                                   "SELECT database, policy, name, sequence, snapshot_time, size_bytes, state, hold, "
                                   "coalesce(data ->> 'verificationLevel', '') = 'RESTORED' AS proven FROM backups "
                                   "WHERE database = ANY($1::text[]) AND state = ANY($2::text[]) ORDER BY sequence",
                                   SqlParams().TextArray(databases).TextArray(ExistingStates()))) {
    absl::StatusOr<RetainedBackup> backup = DecodeRetained(row, now);
    if (!backup.ok()) {
      LogInvalidRow(backup.status());
      continue;
    }
    backup->in_use = in_use.contains(backup->name);
    RetentionView& view = views[{row["database"].c_str(), row["policy"].c_str()}];
    view.state.backups.push_back(*std::move(backup));
  }
  for (auto& [key, view] : views) std::tie(view.database, view.policy) = key;
  return views;
}

}  // namespace

absl::StatusOr<Page<RetentionView>> PostgresStore::ListRetentionViews(absl::Time now, const PageRequest& page) {
  RETURN_IF_ERROR(CheckPageSize(page));
  ASSIGN_OR_RETURN(const std::string after, ParsePageToken(kRetentionScope, page.token));
  return rep_->executor.Read([&](pqxx::transaction_base& transaction) -> absl::StatusOr<Page<RetentionView>> {
    std::vector<std::string> names;
    for (const pqxx::row& row :
         Exec(transaction,
              absl::StrCat("SELECT name FROM databases WHERE NOT gone AND name > $1 ORDER BY name LIMIT ",
                           page.size + 1),
              SqlParams().Text(after))) {
      names.emplace_back(row[0].c_str());
    }
    Page<RetentionView> result;
    if (static_cast<int>(names.size()) > page.size) {
      names.pop_back();
      result.next_token = MakePageToken(kRetentionScope, names.back());
    }
    Views views = ReadViews(transaction, names, now);
    std::set<DatabasePolicy> pairs;
    for (const auto& [key, view] : views) pairs.insert(key);
    const std::set<DatabasePolicy> failing = ReadFailing(transaction, pairs, now);
    for (auto& [key, view] : views) {
      view.state.last_run_failed = failing.contains(key);
      result.items.push_back(std::move(view));
    }
    return result;
  });
}

}  // namespace backup::server
