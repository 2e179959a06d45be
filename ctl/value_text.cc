// SPDX-License-Identifier: Apache-2.0
#include "ctl/value_text.h"

#include <map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/proto_json.h"
#include "base/units.h"

namespace backup::ctl {

std::string RelativeText(bool present, const google::protobuf::Timestamp& time, absl::Time now) {
  return present ? FormatRelative(ToAbsl(time), now) : "";
}

std::string TimeText(bool present, const google::protobuf::Timestamp& time, absl::Time now) {
  if (!present) return "";
  return absl::StrCat(FormatRfc3339(ToAbsl(time)), " (", FormatRelative(ToAbsl(time), now), ")");
}

std::string ElapsedText(absl::Duration duration) {
  if (duration < absl::ZeroDuration()) return "";
  if (duration < absl::Seconds(1)) return absl::StrCat(absl::ToInt64Milliseconds(duration), "ms");
  if (duration < absl::Seconds(10)) return absl::StrFormat("%.1fs", absl::ToDoubleSeconds(duration));
  return backup::FormatDuration(absl::Trunc(duration, absl::Seconds(1)));
}

std::string CountText(int64_t count) {
  std::string digits = absl::StrCat(count);
  for (int at = static_cast<int>(digits.size()) - 3; at > (count < 0 ? 1 : 0); at -= 3) {
    digits.insert(static_cast<size_t>(at), 1, ',');
  }
  return digits;
}

std::string BackupsText(int64_t count) { return absl::StrCat(CountText(count), count == 1 ? " backup" : " backups"); }

std::string LabelText(const google::protobuf::Map<std::string, std::string>& labels) {
  const std::map<std::string, std::string> sorted(labels.begin(), labels.end());
  return absl::StrJoin(sorted, ", ", absl::PairFormatter("="));
}

Cell StateCell(v1::RunState state) {
  const std::string text = v1::RunState_Name(state);
  switch (state) {
    case v1::SUCCEEDED:
      return {text, Color::kGreen};
    case v1::RUNNING:
      return {text, Color::kBlue};
    case v1::FAILED:
    case v1::LOST:
    case v1::MISSED:
      return {text, Color::kRed};
    case v1::CANCELLED:
    case v1::SKIPPED:
      return {text, Color::kYellow};
    default:
      return {text};
  }
}

Cell StateCell(v1::BackupState state) {
  const std::string text = v1::BackupState_Name(state);
  if (state == v1::GOOD) return {text, Color::kGreen};
  if (state == v1::DELETED) return {text, Color::kDim};
  return {text, state == v1::SUSPICIOUS || state == v1::DELETING ? Color::kYellow : Color::kRed};
}

Cell StateCell(v1::AgentState state) {
  const std::string text = v1::AgentState_Name(state);
  if (state == v1::ONLINE) return {text, Color::kGreen};
  return {text, state == v1::OFFLINE ? Color::kRed : Color::kYellow};
}

Cell HealthCell(v1::Health health) {
  const std::string text = v1::Health_Name(health);
  if (health == v1::OK) return {text, Color::kGreen};
  return {text, health == v1::CRITICAL ? Color::kRed : Color::kYellow};
}

}  // namespace backup::ctl
