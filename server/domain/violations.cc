// SPDX-License-Identifier: Apache-2.0
#include "server/domain/violations.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/errors.h"
#include "base/proto_json.h"
#include "base/units.h"

namespace backup::server {
namespace {

// The details travel in a trailer, which has little room.
constexpr size_t kMaxErrors = 20;

}  // namespace

void Violations::Add(absl::string_view field, absl::string_view why, absl::string_view hint) {
  errors_.push_back(InvalidField(field, why, hint));
}

void Violations::AddStatus(absl::string_view field, const absl::Status& status) {
  if (!status.ok()) {
    Add(field, status.message(), ErrorHint(status));
  }
}

void Violations::CheckRange(absl::string_view field, int64_t value, int64_t min, int64_t max) {
  if (value < min || value > max) {
    Add(field, absl::StrCat(value, " is out of range; accepted are ", min, " to ", max));
  }
}

void Violations::CheckRange(absl::string_view field, const google::protobuf::Duration& value, absl::Duration min,
                            absl::Duration max) {
  const absl::Duration duration = ToAbsl(value);
  if (duration < min || duration > max) {
    Add(field, absl::StrCat(duration < absl::ZeroDuration() ? "a negative duration" : backup::FormatDuration(duration),
                            " is out of range; accepted are ", backup::FormatDuration(min), " to ",
                            backup::FormatDuration(max)));
  }
}

void Violations::CheckCount(absl::string_view field, int count, int max) {
  if (count > max) {
    Add(field, absl::StrCat(count, " entries; at most ", max, " are accepted"));
  }
}

absl::Status Violations::ToStatus() const {
  return JoinErrors(absl::MakeConstSpan(errors_).subspan(0, std::min(errors_.size(), kMaxErrors)));
}

}  // namespace backup::server
