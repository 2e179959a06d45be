// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include "base/status_macros.h"
#include "server/store/list_query.h"
#include "server/store/postgres_rep.h"
#include "server/store/run_rows.h"
#include "server/store/storable.h"
#include "server/store/stream_list.h"
#include "server/store/write_rules.h"

namespace backup::server {
namespace {

std::vector<std::string> StateNames(const google::protobuf::RepeatedField<int>& states) {
  std::vector<std::string> names;
  for (const int state : states) names.push_back(v1::RunState_Name(state));
  return names;
}

std::vector<std::string> KindNames(const google::protobuf::RepeatedField<int>& kinds) {
  std::vector<std::string> names;
  for (const int kind : kinds) names.push_back(v1::RunKind_Name(kind));
  return names;
}

}  // namespace

absl::StatusOr<Page<v1::Run>> PostgresStore::ListRuns(const v1::RunFilter& filter, const PageRequest& page) {
  RETURN_IF_ERROR(CheckPageSize(page));
  if (!CheckStorable(filter).ok()) return Page<v1::Run>();
  const std::string scope = PageScope(page.oldest_first ? "runs, oldest first" : "runs", filter);
  ASSIGN_OR_RETURN(const TimePlace after, ParseTimePageToken(scope, page.token, page.oldest_first));
  StreamList list("runs", page.oldest_first);
  if (!AddListScope(filter, &list)) return Page<v1::Run>();
  list.Stream("kind", KindNames(filter.kinds())).Stream("state", StateNames(filter.states()));
  list.Order("slot_time", "timestamptz", after.time).Order("sequence", "bigint", absl::StrCat(after.sequence));
  return rep_->executor.Read([&](pqxx::transaction_base& transaction) -> absl::StatusOr<Page<v1::Run>> {
    const pqxx::result rows = Exec(transaction, list.Sql(kRunColumns, page.size + 1), list.params());
    return MakePage(rows, page.size, &DecodeRun, [&](const pqxx::row& row) {
      return MakeTimePageToken(scope, {row["slot_time"].c_str(), row["sequence"].as<int64_t>()});
    });
  });
}

}  // namespace backup::server
