// SPDX-License-Identifier: Apache-2.0
#include "server/store/postgres_store.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "server/store/catalog_url.h"
#include "server/store/event_rows.h"
#include "server/store/list_query.h"
#include "server/store/postgres_rep.h"
#include "server/store/storable.h"

namespace backup::server {

PostgresStore::PostgresStore(std::unique_ptr<Rep> rep) : rep_(std::move(rep)) {}
PostgresStore::~PostgresStore() = default;

absl::StatusOr<std::unique_ptr<PostgresStore>> PostgresStore::Create(const PostgresStoreOptions& options) {
  ConnectionPool::Options pool;
  ASSIGN_OR_RETURN(pool.conninfo, CatalogConninfo(options.url));
  pool.max_connections = options.max_connections;
  pool.acquire_timeout = options.acquire_timeout;
  return std::unique_ptr<PostgresStore>(new PostgresStore(std::make_unique<Rep>(std::move(pool), options.max_doubt)));
}

void PostgresStore::Stop() { rep_->pool.Stop(); }

absl::StatusOr<Page<v1::Event>> PostgresStore::ListEvents(absl::string_view subject, const PageRequest& page) {
  RETURN_IF_ERROR(CheckPageSize(page));
  const std::string scope = absl::StrCat("events:", subject);
  ASSIGN_OR_RETURN(const int64_t before, ParseSequencePageToken(scope, page.token));
  if (!CheckStorableText(subject, "subject").ok()) return Page<v1::Event>();
  Conditions conditions;
  conditions.Less("sequence", before);
  if (!subject.empty()) conditions.Equal("subject", subject);
  return rep_->executor.Read([&](pqxx::transaction_base& transaction) -> absl::StatusOr<Page<v1::Event>> {
    const pqxx::result rows = Exec(transaction,
                                   absl::StrCat("SELECT ", kEventColumns, " FROM events", conditions.Where(),
                                                " ORDER BY sequence DESC LIMIT ", page.size + 1),
                                   conditions.params());
    return MakePage(rows, page.size, scope, "sequence", &DecodeEvent);
  });
}

absl::Status PostgresStore::AppendEvents(absl::Span<const v1::Event> events) {
  RETURN_IF_ERROR(CheckStorable(events));
  return rep_->executor.Write([&](pqxx::transaction_base& transaction) {
    InsertEvents(transaction, events);
    return absl::OkStatus();
  });
}

absl::Status PostgresStore::Ping() {
  return rep_->executor.Read([](pqxx::transaction_base& transaction) {
    Exec(transaction, "SELECT FROM schema_migrations LIMIT 1");
    return absl::OkStatus();
  });
}

}  // namespace backup::server
