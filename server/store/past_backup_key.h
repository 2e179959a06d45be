// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace backup::server {

// Where a backup stands among those of a database by their snapshot times.
struct PastBackupKey {
  absl::Time snapshot_time;
  int64_t sequence = 0;
};

// Page tokens of one list of past backups. Immutable.
class PastBackupPages {
 public:
  PastBackupPages(absl::string_view database, absl::Time since, absl::Time until);

  // The token of the page that begins after `last`.
  std::string Make(const PastBackupKey& last) const;
  // The place after which the page begins; for "" one before all. PAGE_TOKEN_INVALID.
  absl::StatusOr<PastBackupKey> Parse(absl::string_view token) const;

 private:
  const std::string scope_;
};

}  // namespace backup::server
