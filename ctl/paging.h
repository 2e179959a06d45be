// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <google/protobuf/repeated_field.h>

#include <algorithm>
#include <vector>

#include "absl/status/statusor.h"
#include "ctl/client.h"

namespace backup::ctl {

template <typename Item>
struct Listed {
  std::vector<Item> items;
  bool more = false;  // The limit left some out.
};

// Items of a list, page by page; at most `limit`, 0 for all:
//
//   ListPages(client, &v1::RunService::Stub::ListRuns, request, &v1::ListRunsResponse::runs, 50)
template <typename Stub, typename Request, typename Response, typename Item>
absl::StatusOr<Listed<Item>> ListPages(Client& client,
                                       grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                                       Request request,
                                       const google::protobuf::RepeatedPtrField<Item>& (Response::*items)() const,
                                       size_t limit) {
  constexpr size_t kPageSize = 1000;  // The most that the services give.
  Listed<Item> listed;
  while (true) {
    const size_t wanted = limit == 0 ? kPageSize : std::min(kPageSize, limit - listed.items.size());
    request.set_page_size(static_cast<int32_t>(wanted));
    absl::StatusOr<Response> response = client.Call(method, request);
    if (!response.ok()) return response.status();
    for (const Item& item : ((*response).*items)()) listed.items.push_back(item);
    if (response->next_page_token().empty()) return listed;
    if (limit != 0 && listed.items.size() >= limit) {
      listed.more = true;
      return listed;
    }
    request.set_page_token(response->next_page_token());
  }
}

}  // namespace backup::ctl
