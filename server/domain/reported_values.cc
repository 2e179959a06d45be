// SPDX-License-Identifier: Apache-2.0
#include "server/domain/reported_values.h"

#include <algorithm>
#include <cstdint>

#include "base/proto_json.h"
#include "base/text.h"

namespace backup::server {
namespace {

constexpr absl::Duration kMaxAhead = absl::Hours(24);
constexpr absl::Duration kMaxBehind = absl::Hours(24 * 366);
constexpr int64_t kMaxCount = int64_t{1} << 62;
constexpr size_t kMaxAttemptIdBytes = 63;
constexpr size_t kMaxTextBytes = 4096;
constexpr size_t kMaxLineBytes = 500;
constexpr int kMaxLines = 40;
// Of google.protobuf.Timestamp: 0001-01-01T00:00:00Z to 9999-12-31T23:59:59Z.
constexpr int64_t kFirstSecond = -62135596800;
constexpr int64_t kLastSecond = 253402300799;

int64_t SaneCount(int64_t count) { return std::clamp<int64_t>(count, 0, kMaxCount); }

}  // namespace

bool IsValidAttemptId(absl::string_view id) {
  return !id.empty() && id.size() <= kMaxAttemptIdBytes &&
         std::all_of(id.begin(), id.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z'); });
}

bool IsValidTimestamp(const google::protobuf::Timestamp& time) {
  return time.seconds() >= kFirstSecond && time.seconds() <= kLastSecond && time.nanos() >= 0 &&
         time.nanos() <= 999999999;
}

google::protobuf::Timestamp SaneTime(bool is_set, const google::protobuf::Timestamp& time, absl::Time now) {
  if (!is_set || !IsValidTimestamp(time) || ToAbsl(time) > now + kMaxAhead || ToAbsl(time) < now - kMaxBehind) {
    return ToProto(now);
  }
  return time;
}

v1::Progress SaneProgress(const v1::Progress& progress, absl::Time now) {
  v1::Progress sane;
  sane.set_phase(v1::RunPhase_IsValid(progress.phase()) ? progress.phase() : v1::RUN_PHASE_UNSPECIFIED);
  sane.set_plain_bytes(SaneCount(progress.plain_bytes()));
  sane.set_stored_bytes(SaneCount(progress.stored_bytes()));
  sane.set_estimated_plain_bytes(SaneCount(progress.estimated_plain_bytes()));
  sane.set_row_count(SaneCount(progress.row_count()));
  sane.set_table_count(std::max(progress.table_count(), 0));
  sane.set_tables_done(std::max(progress.tables_done(), 0));
  *sane.mutable_update_time() = SaneTime(progress.has_update_time(), progress.update_time(), now);
  return sane;
}

v1::Failure CleanFailure(const v1::Failure& failure) {
  v1::Failure clean;
  const bool known = v1::FailureCause_IsValid(failure.cause()) && failure.cause() != v1::FAILURE_CAUSE_UNSPECIFIED;
  clean.set_cause(known ? failure.cause() : v1::INTERNAL);
  clean.set_message(CleanText(failure.message(), kMaxTextBytes));
  clean.set_hint(CleanText(failure.hint(), kMaxTextBytes));
  for (int i = std::max(0, failure.stderr_lines_size() - kMaxLines); i < failure.stderr_lines_size(); ++i) {
    clean.add_stderr_lines(CleanText(failure.stderr_lines(i), kMaxLineBytes));
  }
  return clean;
}

}  // namespace backup::server
