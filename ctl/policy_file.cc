// SPDX-License-Identifier: Apache-2.0
#include "ctl/policy_file.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/proto_json.h"
#include "base/resource_name.h"
#include "base/status_macros.h"

namespace backup::ctl {
namespace {

constexpr int64_t kMaxCount = std::numeric_limits<int32_t>::max();

// Calls `set` with the value when there is one.
template <typename T, typename Set>
void Take(std::optional<T> value, const Set& set) {
  if (value) set(*std::move(value));
}

void TakeStrings(std::optional<std::vector<std::string>> values, google::protobuf::RepeatedPtrField<std::string>* out) {
  if (!values) return;
  for (std::string& value : *values) *out->Add() = std::move(value);
}

void TakeLabels(std::optional<std::map<std::string, std::string>> labels,
                google::protobuf::Map<std::string, std::string>* out) {
  if (!labels) return;
  for (auto& [key, value] : *labels) (*out)[key] = std::move(value);
}

void ReadSelector(YamlReader& reader, v1::DatabaseSelector& selector) {
  Take(reader.String("agent"), [&](std::string v) { selector.set_agent(std::move(v)); });
  Take(reader.String("database"), [&](std::string v) { selector.set_database(std::move(v)); });
  TakeStrings(reader.StringList("exclude"), selector.mutable_exclude());
  TakeLabels(reader.StringMap("labels"), selector.mutable_labels());
  reader.Finish();
}

void ReadExclusion(YamlReader& reader, v1::ExclusionWindow& window) {
  Take(reader.String("cron"), [&](std::string v) { window.set_cron(std::move(v)); });
  Take(reader.Duration("duration"), [&](absl::Duration v) { *window.mutable_duration() = ToProto(v); });
  reader.Finish();
}

void ReadRetry(YamlReader& reader, v1::RetrySpec& retry) {
  Take(reader.Integer("attempts", 1, 10), [&](int64_t v) { retry.set_attempts(static_cast<int32_t>(v)); });
  Take(reader.Duration("backoff"), [&](absl::Duration v) { *retry.mutable_backoff() = ToProto(v); });
  reader.Finish();
}

void ReadSchedule(YamlReader& reader, v1::ScheduleSpec& schedule) {
  Take(reader.String("cron"), [&](std::string v) { schedule.set_cron(std::move(v)); });
  Take(reader.Duration("every"), [&](absl::Duration v) { *schedule.mutable_every() = ToProto(v); });
  Take(reader.String("timeZone"), [&](std::string v) { schedule.set_time_zone(std::move(v)); });
  Take(reader.Duration("jitter"), [&](absl::Duration v) { *schedule.mutable_jitter() = ToProto(v); });
  Take(reader.Duration("startDeadline"), [&](absl::Duration v) { *schedule.mutable_start_deadline() = ToProto(v); });
  Take(reader.OneOf("overlap", {"SKIP", "QUEUE_ONE"}),
       [&](const std::string& v) { schedule.set_overlap(v == "SKIP" ? v1::SKIP : v1::QUEUE_ONE); });
  for (YamlReader& item : reader.MapList("notDuring")) ReadExclusion(item, *schedule.add_not_during());
  Take(reader.Integer("maxRunning", 1, kMaxCount),
       [&](int64_t v) { schedule.set_max_running(static_cast<int32_t>(v)); });
  if (auto map = reader.Map("retry")) ReadRetry(*map, *schedule.mutable_retry());
  Take(reader.Bool("paused"), [&](bool v) { schedule.set_paused(v); });
  reader.Finish();
}

void ReadDump(YamlReader& reader, v1::DumpSpec& dump) {
  // 0 is refused here: in the message it would mean "not said".
  Take(reader.Integer("jobs", 1, 64), [&](int64_t v) { dump.set_jobs(static_cast<int32_t>(v)); });
  Take(reader.OneOf("compression", {"gzip", "zstd", "none"}), [&](const std::string& v) {
    dump.set_compression(v == "gzip" ? v1::GZIP : v == "zstd" ? v1::ZSTD : v1::NONE);
  });
  Take(reader.Integer("threads", 1, 64), [&](int64_t v) { dump.set_threads(static_cast<int32_t>(v)); });
  Take(reader.Size("maxBytesPerSecond"), [&](int64_t v) { dump.set_max_bytes_per_second(v); });
  Take(reader.Bool("globals"), [&](bool v) { dump.set_globals(v); });
  Take(reader.Duration("lockTimeout"), [&](absl::Duration v) { *dump.mutable_lock_timeout() = ToProto(v); });
  Take(reader.Duration("stallTimeout"), [&](absl::Duration v) { *dump.mutable_stall_timeout() = ToProto(v); });
  Take(reader.Duration("timeout"), [&](absl::Duration v) { *dump.mutable_timeout() = ToProto(v); });
  reader.Finish();
}

void ReadVerify(YamlReader& reader, v1::VerifySpec& verify) {
  Take(reader.Size("minBytes"), [&](int64_t v) { verify.set_min_bytes(v); });
  Take(reader.Percent("maxChange"), [&](int32_t v) { verify.set_max_change_percent(v); });
  TakeStrings(reader.StringList("keyTables"), verify.mutable_key_tables());
  reader.Finish();
}

void ReadDrill(YamlReader& reader, v1::DrillSpec& drill) {
  Take(reader.String("cron"), [&](std::string v) { drill.set_cron(std::move(v)); });
  Take(reader.Duration("maxDuration"), [&](absl::Duration v) { *drill.mutable_max_duration() = ToProto(v); });
  TakeStrings(reader.StringList("assert"), drill.mutable_assertions());
  reader.Finish();
}

void ReadRetention(YamlReader& reader, v1::RetentionSpec& retention) {
  const auto count = [&](const char* key, int64_t min, void (v1::RetentionSpec::*set)(int32_t)) {
    Take(reader.Integer(key, min, kMaxCount), [&](int64_t v) { (retention.*set)(static_cast<int32_t>(v)); });
  };
  Take(reader.Duration("keepWithin"), [&](absl::Duration v) { *retention.mutable_keep_within() = ToProto(v); });
  count("keepLast", 0, &v1::RetentionSpec::set_keep_last);
  count("keepDaily", 0, &v1::RetentionSpec::set_keep_daily);
  count("keepWeekly", 0, &v1::RetentionSpec::set_keep_weekly);
  count("keepMonthly", 0, &v1::RetentionSpec::set_keep_monthly);
  count("keepYearly", 0, &v1::RetentionSpec::set_keep_yearly);
  count("minimumGood", 1, &v1::RetentionSpec::set_minimum_good);
  Take(reader.Size("maxTotalBytes"), [&](int64_t v) { retention.set_max_total_bytes(v); });
  reader.Finish();
}

void ReadNotify(YamlReader& reader, v1::NotifySpec& notify) {
  Take(reader.String("channel"), [&](std::string v) { notify.set_channel(std::move(v)); });
  TakeStrings(reader.StringList("on"), notify.mutable_on());
  reader.Finish();
}

void ReadSpec(YamlReader& reader, v1::PolicySpec& spec) {
  for (YamlReader& item : reader.MapList("databases")) ReadSelector(item, *spec.add_databases());
  if (auto map = reader.Map("schedule")) ReadSchedule(*map, *spec.mutable_schedule());
  if (auto map = reader.Map("dump")) ReadDump(*map, *spec.mutable_dump());
  if (auto map = reader.Map("verify")) ReadVerify(*map, *spec.mutable_verify());
  if (auto map = reader.Map("drill")) ReadDrill(*map, *spec.mutable_drill());
  if (auto map = reader.Map("retention")) ReadRetention(*map, *spec.mutable_retention());
  for (YamlReader& item : reader.MapList("notify")) ReadNotify(item, *spec.add_notify());
  reader.Finish();
}

void ReadMetadata(YamlReader& reader, v1::Policy& policy) {
  if (!reader.Has("name")) {
    reader.AddError("", "the policy has no name", "add metadata.name, for example nightly");
  }
  Take(reader.String("name"), [&](std::string name) {
    if (!IsValidId(name)) {
      reader.AddError("name", absl::StrCat("\"", name, "\" is no name for a policy"),
                      "use 1 to 63 characters of [a-z0-9-] that begin and end with a letter or digit");
    }
    policy.set_name(MakePolicyName(name));
  });
  TakeLabels(reader.StringMap("labels"), policy.mutable_labels());
  reader.Finish();
}

void ReadDocument(YamlReader& reader, v1::Policy& policy) {
  for (const char* key : {"apiVersion", "kind", "metadata", "spec"}) {
    if (!reader.Has(key)) reader.AddError("", absl::StrCat("a policy needs ", key), "see backupctl explain policy");
  }
  reader.OneOf("apiVersion", {"backup/v1"});
  reader.OneOf("kind", {"Policy"});
  if (auto map = reader.Map("metadata")) ReadMetadata(*map, policy);
  if (auto map = reader.Map("spec")) ReadSpec(*map, *policy.mutable_spec());
  reader.Finish();
}

}  // namespace

absl::StatusOr<std::vector<PolicyDocument>> ParsePolicyFile(absl::string_view text, absl::string_view file) {
  ASSIGN_OR_RETURN(const std::vector<YamlNode> nodes, ParseYaml(text, file));
  std::vector<PolicyDocument> documents;
  std::vector<absl::Status> errors;
  for (const YamlNode& node : nodes) {
    YamlReader::Context context;
    context.file = std::string(file);
    YamlReader reader(node, "", context);
    PolicyDocument document;
    document.file = context.file;
    document.start = node.position();
    ReadDocument(reader, document.policy);
    document.positions = std::move(context.positions);
    errors.insert(errors.end(), context.errors.begin(), context.errors.end());
    documents.push_back(std::move(document));
  }
  RETURN_IF_ERROR(JoinYamlErrors(std::move(errors)));
  return documents;
}

}  // namespace backup::ctl
