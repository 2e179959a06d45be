// SPDX-License-Identifier: Apache-2.0
#include "server/store/policy_rows.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "base/proto_json.h"
#include "base/resource_name.h"
#include "base/x509.h"
#include "server/store/row_reader.h"
#include "server/store/sql_params.h"
#include "server/store/transaction_executor.h"

namespace backup::server {
namespace {

constexpr size_t kEtagHashLength = 8;

}  // namespace

const char kSelectPolicies[] =
    "SELECT p.name, p.version, p.create_time, p.update_time, p.data, planned.database_count, "
    "CASE WHEN NOT p.paused THEN planned.next_slot_time END AS next_slot_time "
    "FROM policies p CROSS JOIN LATERAL (SELECT "
    "(SELECT count(*) FROM (SELECT DISTINCT r.database FROM runs r WHERE r.policy = p.name "
    "AND r.state = 'SCHEDULED' AND NOT r.manual AND r.kind = 'BACKUP') covered) AS database_count, "
    "(SELECT r.slot_time FROM runs r WHERE r.policy = p.name AND r.kind = 'BACKUP' AND r.state = 'SCHEDULED' "
    "AND NOT r.manual ORDER BY r.slot_time, r.sequence LIMIT 1) AS next_slot_time) planned";

const char kSelectPolicyRules[] =
    "SELECT p.name, p.version, p.create_time, p.update_time, p.data, 0 AS database_count, "
    "NULL::timestamptz AS next_slot_time FROM policies p";

absl::StatusOr<v1::Policy> DecodePolicy(const pqxx::row& row) {
  RowReader reader(row, "policies");
  v1::Policy policy;
  reader.Json("data", &policy);
  policy.set_name(reader.Text("name"));
  // The hash tells apart what a restored catalog would number alike.
  policy.set_etag(absl::StrCat(reader.Int("version"), "-", Sha256Hex(reader.Text("data")).substr(0, kEtagHashLength)));
  *policy.mutable_create_time() = reader.Time("create_time");
  *policy.mutable_update_time() = reader.Time("update_time");
  policy.set_database_count(static_cast<int32_t>(reader.Count("database_count")));
  google::protobuf::Timestamp time;
  if (reader.DerivedTime("next_slot_time", &time)) *policy.mutable_next_slot_time() = time;
  if (!reader.ok()) return reader.status();
  if (!ParsePolicyName(policy.name()).ok()) return reader.Invalid("name", "is no resource name");
  return policy;
}

void PutPolicy(pqxx::transaction_base& transaction, v1::Policy policy, absl::Time now) {
  const std::string name = policy.name();
  policy.clear_name();
  policy.clear_etag();
  policy.clear_create_time();
  policy.clear_update_time();
  policy.clear_next_slot_time();
  policy.clear_database_count();
  Exec(transaction,
       "INSERT INTO policies AS p (name, create_time, update_time, data) VALUES ($1, $2, $2, $3) "
       "ON CONFLICT (name) DO UPDATE SET update_time = excluded.update_time, data = excluded.data, "
       "version = excluded.version",
       SqlParams().Text(name).Time(now).Text(ToJson(policy)));
}

}  // namespace backup::server
