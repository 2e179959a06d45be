// SPDX-License-Identifier: Apache-2.0
#include "server/domain/history.h"

#include "absl/time/civil_time.h"

namespace backup::server {

absl::Time HistoryBegin(absl::Duration age, absl::Time now) {
  return absl::FromCivil(absl::ToCivilMonth(now - age, absl::UTCTimeZone()), absl::UTCTimeZone());
}

}  // namespace backup::server
