// SPDX-License-Identifier: Apache-2.0
#include "server/store/failing_policies.h"

#include <vector>

#include "server/store/compaction_place.h"
#include "server/store/sql_params.h"
#include "server/store/transaction_executor.h"

namespace backup::server {

std::set<DatabasePolicy> ReadFailing(pqxx::transaction_base& transaction, const std::set<DatabasePolicy>& pairs,
                                     absl::Time now) {
  std::vector<std::string> databases, policies, states;
  for (const auto& [database, policy] : pairs) {
    databases.push_back(database);
    policies.push_back(policy);
  }
  for (const v1::RunState state : kStatesThatTell) states.push_back(v1::RunState_Name(state));
  std::set<DatabasePolicy> failing;
  // The newest of each state by index, and of these the newest.
  for (const pqxx::row& row :
       Exec(transaction,
            "SELECT v.database, v.policy FROM unnest($1::text[], $2::text[]) AS v(database, policy) "
            "CROSS JOIN LATERAL ("
            "SELECT s.state FROM unnest($3::text[]) AS s(state) CROSS JOIN LATERAL ("
            "SELECT r.slot_time, r.sequence FROM runs r WHERE r.database = v.database AND r.policy = v.policy "
            "AND r.kind = 'BACKUP' AND r.state = s.state AND r.slot_time <= $4 "
            "ORDER BY r.slot_time DESC, r.sequence DESC LIMIT 1) r "
            "ORDER BY r.slot_time DESC, r.sequence DESC LIMIT 1) last WHERE last.state <> 'SUCCEEDED'",
            SqlParams().TextArray(databases).TextArray(policies).TextArray(states).Time(now))) {
    failing.emplace(row["database"].c_str(), row["policy"].c_str());
  }
  return failing;
}

}  // namespace backup::server
