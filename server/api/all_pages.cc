// SPDX-License-Identifier: Apache-2.0
#include "server/api/all_pages.h"

#include <iterator>

#include "base/status_macros.h"
#include "server/api/paging.h"

namespace backup::server {
namespace {

// `list` takes a PageRequest and gives a StatusOr<Page<T>>.
template <typename T, typename List>
absl::StatusOr<std::vector<T>> ReadPages(List list) {
  std::vector<T> all;
  PageRequest request;
  request.size = kMaxPageSize;
  do {
    ASSIGN_OR_RETURN(Page<T> page, list(request));
    std::move(page.items.begin(), page.items.end(), std::back_inserter(all));
    request.token = page.next_token;
  } while (!request.token.empty());
  return all;
}

}  // namespace

absl::StatusOr<std::vector<v1::Backup>> ReadAllBackups(Store& store, const v1::BackupFilter& of_database) {
  return ReadPages<v1::Backup>([&](const PageRequest& request) { return store.ListBackups(of_database, request); });
}

absl::StatusOr<std::vector<v1::Run>> ReadAllRuns(Store& store, const v1::RunFilter& of_database) {
  return ReadPages<v1::Run>([&](const PageRequest& request) { return store.ListRuns(of_database, request); });
}

}  // namespace backup::server
