// SPDX-License-Identifier: Apache-2.0
#include "server/api/paging.h"

#include <algorithm>

#include "base/errors.h"
#include "base/status_macros.h"

namespace backup::server {
namespace {

constexpr size_t kMaxTokenBytes = 2048;

}  // namespace

absl::StatusOr<int> ToPageSize(int32_t size, int default_size) {
  if (size < 0) {
    return InvalidField("page_size", "it is negative", "use 1 to 1000, or 0 for the default");
  }
  return size == 0 ? default_size : std::min(size, kMaxPageSize);
}

absl::StatusOr<PageRequest> ToPageRequest(int32_t size, const std::string& token) {
  PageRequest page;
  ASSIGN_OR_RETURN(page.size, ToPageSize(size));
  if (token.size() > kMaxTokenBytes) {
    return InvalidField("page_token", "it is longer than any token of ours",
                        "use the next_page_token of the page before");
  }
  page.token = token;
  return page;
}

}  // namespace backup::server
