// SPDX-License-Identifier: Apache-2.0
#include "ctl/policy_yaml.h"

#include <map>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "base/proto_json.h"
#include "base/resource_name.h"
#include "base/units.h"
#include "ctl/yaml_writer.h"

namespace backup::ctl {
namespace {

using Json = nlohmann::ordered_json;

void PutText(Json& map, const char* key, const std::string& value) {
  if (!value.empty()) map[key] = value;
}

void PutCount(Json& map, const char* key, int64_t value) {
  if (value != 0) map[key] = value;
}

void PutDuration(Json& map, const char* key, bool present, const google::protobuf::Duration& value) {
  if (present) map[key] = backup::FormatDuration(ToAbsl(value));
}

template <typename List>
void PutList(Json& map, const char* key, const List& values) {
  for (const auto& value : values) map[key].push_back(value);
}

void PutLabels(Json& map, const google::protobuf::Map<std::string, std::string>& labels) {
  for (const auto& [key, value] : std::map<std::string, std::string>(labels.begin(), labels.end())) {
    map["labels"][key] = value;
  }
}

// Leaves out sections in which nothing is set.
void PutSection(Json& map, const char* key, Json section) {
  if (!section.empty()) map[key] = std::move(section);
}

Json Selector(const v1::DatabaseSelector& selector) {
  Json map = Json::object();
  PutText(map, "agent", selector.agent());
  PutText(map, "database", selector.database());
  PutList(map, "exclude", selector.exclude());
  PutLabels(map, selector.labels());
  return map;
}

Json Schedule(const v1::ScheduleSpec& schedule) {
  Json map = Json::object();
  PutText(map, "cron", schedule.cron());
  PutDuration(map, "every", schedule.has_every(), schedule.every());
  PutText(map, "timeZone", schedule.time_zone());
  // Without jitter is the default: the same whether it is said or not.
  PutDuration(map, "jitter", ToAbsl(schedule.jitter()) != absl::ZeroDuration(), schedule.jitter());
  PutDuration(map, "startDeadline", schedule.has_start_deadline(), schedule.start_deadline());
  if (schedule.overlap() == v1::SKIP) map["overlap"] = "SKIP";
  if (schedule.overlap() == v1::QUEUE_ONE) map["overlap"] = "QUEUE_ONE";
  for (const v1::ExclusionWindow& window : schedule.not_during()) {
    Json exclusion = Json::object();
    PutText(exclusion, "cron", window.cron());
    PutDuration(exclusion, "duration", window.has_duration(), window.duration());
    map["notDuring"].push_back(exclusion);
  }
  PutCount(map, "maxRunning", schedule.max_running());
  if (schedule.has_retry()) {
    PutCount(map["retry"], "attempts", schedule.retry().attempts());
    PutDuration(map["retry"], "backoff", schedule.retry().has_backoff(), schedule.retry().backoff());
  }
  if (schedule.paused()) map["paused"] = true;
  return map;
}

Json Dump(const v1::DumpSpec& dump) {
  Json map = Json::object();
  PutCount(map, "jobs", dump.jobs());
  if (dump.compression() == v1::GZIP) map["compression"] = "gzip";
  if (dump.compression() == v1::ZSTD) map["compression"] = "zstd";
  if (dump.compression() == v1::NONE) map["compression"] = "none";
  PutCount(map, "threads", dump.threads());
  if (dump.max_bytes_per_second() != 0) map["maxBytesPerSecond"] = FormatSizeExact(dump.max_bytes_per_second());
  if (dump.has_globals()) map["globals"] = dump.globals();
  PutDuration(map, "lockTimeout", dump.has_lock_timeout(), dump.lock_timeout());
  PutDuration(map, "stallTimeout", dump.has_stall_timeout(), dump.stall_timeout());
  PutDuration(map, "timeout", dump.has_timeout(), dump.timeout());
  return map;
}

Json Verify(const v1::VerifySpec& verify) {
  Json map = Json::object();
  if (verify.min_bytes() != 0) map["minBytes"] = FormatSizeExact(verify.min_bytes());
  if (verify.max_change_percent() != 0) map["maxChange"] = absl::StrCat(verify.max_change_percent(), "%");
  PutList(map, "keyTables", verify.key_tables());
  return map;
}

Json Drill(const v1::DrillSpec& drill) {
  Json map = Json::object();
  PutText(map, "cron", drill.cron());
  PutDuration(map, "maxDuration", drill.has_max_duration(), drill.max_duration());
  PutList(map, "assert", drill.assertions());
  return map;
}

Json Retention(const v1::RetentionSpec& retention) {
  Json map = Json::object();
  PutDuration(map, "keepWithin", retention.has_keep_within(), retention.keep_within());
  PutCount(map, "keepLast", retention.keep_last());
  PutCount(map, "keepDaily", retention.keep_daily());
  PutCount(map, "keepWeekly", retention.keep_weekly());
  PutCount(map, "keepMonthly", retention.keep_monthly());
  PutCount(map, "keepYearly", retention.keep_yearly());
  PutCount(map, "minimumGood", retention.minimum_good());
  if (retention.max_total_bytes() != 0) map["maxTotalBytes"] = FormatSizeExact(retention.max_total_bytes());
  return map;
}

}  // namespace

std::string PolicyToYaml(const v1::Policy& policy) {
  const absl::StatusOr<std::string> id = ParsePolicyName(policy.name());
  Json metadata = {{"name", id.ok() ? *id : policy.name()}};
  PutLabels(metadata, policy.labels());
  Json spec = Json::object();
  for (const v1::DatabaseSelector& selector : policy.spec().databases()) {
    spec["databases"].push_back(Selector(selector));
  }
  PutSection(spec, "schedule", Schedule(policy.spec().schedule()));
  PutSection(spec, "dump", Dump(policy.spec().dump()));
  PutSection(spec, "verify", Verify(policy.spec().verify()));
  PutSection(spec, "drill", Drill(policy.spec().drill()));
  PutSection(spec, "retention", Retention(policy.spec().retention()));
  for (const v1::NotifySpec& notify : policy.spec().notify()) {
    Json map = Json::object();
    PutText(map, "channel", notify.channel());
    PutList(map, "on", notify.on());
    spec["notify"].push_back(map);
  }
  return ToYaml({{"apiVersion", "backup/v1"}, {"kind", "Policy"}, {"metadata", metadata}, {"spec", spec}});
}

}  // namespace backup::ctl
