// SPDX-License-Identifier: Apache-2.0
#include "ctl/time_argument.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/text.h"
#include "base/units.h"

namespace backup::ctl {

absl::StatusOr<absl::Time> ParseTimeArgument(absl::string_view flag, absl::string_view text, absl::Time now) {
  if (const absl::StatusOr<absl::Duration> ago = backup::ParseDuration(text); ago.ok()) return now - *ago;
  for (const char* format : {"%Y-%m-%d", absl::RFC3339_full}) {
    absl::Time time;
    if (!absl::ParseTime(format, text, &time, nullptr)) continue;
    // It takes these words as well, and they are no moments.
    if (time != absl::InfiniteFuture() && time != absl::InfinitePast()) return time;
  }
  return MakeError(absl::StatusCode::kInvalidArgument, "WRONG_USAGE",
                   absl::StrCat(flag, ": \"", CleanText(text, 100), "\" is no time"),
                   "for example 90d, 2026-07-01 or 2026-07-01T00:00:00Z");
}

}  // namespace backup::ctl
