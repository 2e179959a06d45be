// SPDX-License-Identifier: Apache-2.0
#include "server/store/past_backup_key.h"

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "server/store/page_token.h"

namespace backup::server {

PastBackupPages::PastBackupPages(absl::string_view database, absl::Time since, absl::Time until)
    : scope_(absl::StrCat("past backups:", database, ":", absl::ToUnixMicros(since), ":", absl::ToUnixMicros(until))) {}

std::string PastBackupPages::Make(const PastBackupKey& last) const {
  return MakePageToken(scope_, absl::StrCat(absl::ToUnixMicros(last.snapshot_time), " ", last.sequence));
}

absl::StatusOr<PastBackupKey> PastBackupPages::Parse(absl::string_view token) const {
  if (token.empty()) return PastBackupKey{absl::InfinitePast(), 0};
  ASSIGN_OR_RETURN(const std::string key, ParsePageToken(scope_, token));
  const std::vector<std::string> parts = absl::StrSplit(key, ' ');
  int64_t micros = 0;
  PastBackupKey last;
  if (parts.size() != 2 || !absl::SimpleAtoi(parts[0], &micros) || !absl::SimpleAtoi(parts[1], &last.sequence)) {
    return PageTokenInvalid();
  }
  last.snapshot_time = absl::FromUnixMicros(micros);
  return last;
}

}  // namespace backup::server
