// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "server/store/store.h"

namespace backup::server {

// Pages of List methods (AIP-158).
inline constexpr int kDefaultPageSize = 100;
inline constexpr int kMaxPageSize = 1000;

// `size` as a request gives it: 0 means `default_size`, more than kMaxPageSize means that. INVALID_FIELD "page_size"
// when it is negative.
absl::StatusOr<int> ToPageSize(int32_t size, int default_size = kDefaultPageSize);

// INVALID_FIELD "page_size" or "page_token" (longer than any of ours).
absl::StatusOr<PageRequest> ToPageRequest(int32_t size, const std::string& token);

// Moves a page into a response: `field` is its repeated field.
template <typename T, typename Field>
void MovePage(Page<T>& page, Field* field, std::string* next_page_token) {
  field->Reserve(static_cast<int>(page.items.size()));
  for (T& item : page.items) {
    *field->Add() = std::move(item);
  }
  *next_page_token = std::move(page.next_token);
}

}  // namespace backup::server
