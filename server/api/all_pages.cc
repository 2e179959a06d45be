// SPDX-License-Identifier: Apache-2.0
#include "server/api/all_pages.h"

#include <iterator>
#include <limits>

#include "base/status_macros.h"
#include "server/api/paging.h"

namespace backup::server {
namespace {

// `list` takes a PageRequest and gives a StatusOr<Page<T>>.
template <typename T, typename List>
absl::StatusOr<std::vector<T>> ReadPages(size_t limit, List list) {
  std::vector<T> all;
  PageRequest request;
  request.size = kMaxPageSize;
  do {
    ASSIGN_OR_RETURN(Page<T> page, list(request));
    std::move(page.items.begin(), page.items.end(), std::back_inserter(all));
    request.token = page.next_token;
  } while (!request.token.empty() && all.size() < limit);
  if (all.size() > limit) {
    all.resize(limit);
  }
  return all;
}

}  // namespace

absl::StatusOr<std::vector<v1::Policy>> ReadAllPolicies(Store& store) {
  return ReadPages<v1::Policy>(std::numeric_limits<size_t>::max(),
                               [&](const PageRequest& page) { return store.ListPolicies(page); });
}

absl::StatusOr<std::vector<v1::Agent>> ReadAgents(Store& store, size_t limit) {
  return ReadPages<v1::Agent>(limit, [&](const PageRequest& page) { return store.ListAgents(page); });
}

absl::StatusOr<std::vector<v1::Backup>> ReadAllBackups(Store& store, const v1::BackupFilter& of_database) {
  return ReadPages<v1::Backup>(std::numeric_limits<size_t>::max(),
                               [&](const PageRequest& request) { return store.ListBackups(of_database, request); });
}

absl::StatusOr<std::vector<v1::Run>> ReadAllRuns(Store& store, const v1::RunFilter& of_database) {
  return ReadPages<v1::Run>(std::numeric_limits<size_t>::max(),
                            [&](const PageRequest& request) { return store.ListRuns(of_database, request); });
}

}  // namespace backup::server
