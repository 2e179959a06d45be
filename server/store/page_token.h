// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/store/store.h"

namespace backup::server {

// Page tokens: opaque text that holds the key of the last row of a page, and proves that it was made for the same list
// and filter (`scope`). Not a secret: a forged one only begins a page elsewhere. Pure functions.

std::string MakePageToken(absl::string_view scope, absl::string_view key);
// The key; "" for the token "". INVALID_ARGUMENT PAGE_TOKEN_INVALID.
absl::StatusOr<std::string> ParsePageToken(absl::string_view scope, absl::string_view token);

// The same for keys that are sequence numbers, greatest first; the token "" gives the greatest number there is.
std::string MakeSequencePageToken(absl::string_view scope, int64_t sequence);
absl::StatusOr<int64_t> ParseSequencePageToken(absl::string_view scope, absl::string_view token);

// The same for lists by a time, those of the same time by sequence, greatest or least first; the token ""
// gives a place before all rows. The time is text as PostgreSQL writes a timestamptz of UTC: the catalog may hold some
// that nothing else does.
struct TimePlace {
  std::string time;
  int64_t sequence = 0;
};
std::string MakeTimePageToken(absl::string_view scope, const TimePlace& place);
// PAGE_TOKEN_INVALID also for what PostgreSQL would not read as a time.
absl::StatusOr<TimePlace> ParseTimePageToken(absl::string_view scope, absl::string_view token, bool ascending = false);
// What a token that is none of ours gives.
absl::Status PageTokenInvalid();

// INVALID_ARGUMENT INVALID_FIELD when the size is not 1 to 1000.
absl::Status CheckPageSize(const PageRequest& page);

// Scope of a list with its filter, a protobuf message.
std::string PageScope(absl::string_view list, const google::protobuf::Message& filter);

}  // namespace backup::server
