// SPDX-License-Identifier: Apache-2.0
#include "ctl/dev_policy.h"

#include <filesystem>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/errors.h"
#include "base/proto_json.h"
#include "base/resource_name.h"

namespace backup::ctl {
namespace {

constexpr int kDefaultRetentionDays = 30;

bool IsZoneName(const std::string& name) {
  absl::TimeZone zone;
  return !name.empty() && name[0] != '/' && name[0] != ':' && absl::LoadTimeZone(name, &zone);
}

}  // namespace

absl::StatusOr<v1::Policy> DevPolicy(const std::map<std::string, std::string>& variables, absl::string_view time_zone) {
  int days = kDefaultRetentionDays;
  if (const auto it = variables.find("BACKUP_RETENTION_DAYS"); it != variables.end() && !it->second.empty()) {
    if (!absl::SimpleAtoi(it->second, &days) || days < 1 || days > 36500) {
      return MakeError(absl::StatusCode::kInvalidArgument, "INVALID_VARIABLE",
                       absl::StrCat("BACKUP_RETENTION_DAYS is \"", it->second, "\""),
                       "give a whole number of days from 1 to 36500, or leave it out for 30");
    }
  }
  v1::Policy policy;
  policy.set_name(MakePolicyName("nightly"));
  v1::PolicySpec& spec = *policy.mutable_spec();
  v1::DatabaseSelector& all = *spec.add_databases();
  all.set_agent("*");
  all.set_database("*");
  spec.mutable_schedule()->set_cron("0 22 * * *");
  spec.mutable_schedule()->set_time_zone(std::string(time_zone));
  *spec.mutable_retention()->mutable_keep_within() = ToProto(absl::Hours(24) * days);
  return policy;
}

std::string LocalTimeZoneName(const std::map<std::string, std::string>& variables) {
  if (const auto it = variables.find("TZ"); it != variables.end() && IsZoneName(it->second)) return it->second;
  std::error_code error;
  const std::string target = std::filesystem::canonical("/etc/localtime", error).string();
  constexpr absl::string_view kFolder = "/zoneinfo/";
  if (const size_t at = target.find(kFolder.data(), 0, kFolder.size()); at != std::string::npos) {
    std::string name = target.substr(at + kFolder.size());
    if (name == "Etc/UTC" || name == "Etc/UCT") return "UTC";
    if (IsZoneName(name)) return name;
  }
  return "UTC";
}

}  // namespace backup::ctl
