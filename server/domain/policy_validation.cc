// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/proto_json.h"
#include "base/resource_name.h"
#include "base/text.h"
#include "server/domain/cron.h"
#include "server/domain/exclusions.h"
#include "server/domain/policy_rules.h"
#include "server/domain/schedule.h"
#include "server/domain/time_zone.h"
#include "server/domain/violations.h"

namespace backup::server {
namespace {

constexpr absl::Duration kDay = absl::Hours(24);
constexpr absl::Duration kMaxKeepWithin = absl::Hours(24 * 36500);
constexpr int kMaxEntries = 100;
constexpr int kMaxExclusions = 20;
constexpr int kMaxLookedAt = 10'000;
constexpr int kMaxLabels = 64;
constexpr size_t kMaxLabelBytes = 256;
constexpr size_t kMaxIdBytes = 63;        // Ids of agents, and PostgreSQL's names.
constexpr size_t kMaxPatternBytes = 256;  // A name with room for wildcards.
constexpr size_t kMaxAssertionBytes = 4096;
constexpr int64_t kMaxBytes = int64_t{1} << 62;
constexpr int64_t kLeastBytesPerSecond = 64 << 10;

bool HasControlCharacter(absl::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return absl::ascii_iscntrl(c); });
}

template <typename Map>
void CheckLabels(const std::string& path, const Map& labels, Violations& out) {
  out.CheckCount(path, static_cast<int>(labels.size()), kMaxLabels);
  std::vector<std::string> keys;
  for (const auto& label : labels) {
    keys.push_back(label.first);
  }
  std::sort(keys.begin(), keys.end());  // Maps have no order; errors should.
  for (const std::string& key : keys) {
    if (key.empty() || key.size() > kMaxLabelBytes || labels.at(key).size() > kMaxLabelBytes ||
        HasControlCharacter(key) || HasControlCharacter(labels.at(key))) {
      out.Add(absl::StrCat(path, ".", CleanText(key, 64)),
              "key and value have at most 256 bytes and no control characters, and the key is not empty");
    }
  }
}

void CheckSelector(const std::string& path, const v1::DatabaseSelector& selector, Violations& out) {
  const bool id_form = std::all_of(selector.agent().begin(), selector.agent().end(), [](char c) {
    return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-' || c == '*' || c == '?';
  });
  if (!id_form || selector.agent().size() > kMaxIdBytes) {
    out.Add(
        absl::StrCat(path, ".agent"),
        absl::StrCat("\"", CleanText(selector.agent(), 64), "\" matches no agent: ids are 1 to 63 of a-z, 0-9 and -"),
        "use * and ? for any characters");
  }
  if (selector.database().size() > kMaxPatternBytes) {
    out.Add(absl::StrCat(path, ".database"), "the pattern is longer than any name; at most 256 bytes are accepted");
  }
  out.CheckCount(absl::StrCat(path, ".exclude"), selector.exclude_size(), kMaxEntries);
  for (int i = 0; i < selector.exclude_size(); ++i) {
    if (selector.exclude(i).empty() || selector.exclude(i).size() > kMaxPatternBytes) {
      out.Add(absl::StrCat(path, ".exclude[", i, "]"), "a pattern has 1 to 256 bytes");
    }
  }
  CheckLabels(absl::StrCat(path, ".labels"), selector.labels(), out);
}

void CheckDatabases(const v1::PolicySpec& spec, Violations& out) {
  if (spec.databases().empty()) {
    out.Add("spec.databases", "the policy selects no database", "for all of them: databases: [{agent: \"*\"}]");
  }
  out.CheckCount("spec.databases", spec.databases_size(), kMaxEntries);
  for (int i = 0; i < std::min(spec.databases_size(), kMaxEntries); ++i) {
    CheckSelector(absl::StrCat("spec.databases[", i, "]"), spec.databases(i), out);
  }
}

// Whether for more than a year no slot finds a moment at which it may start.
bool IsExcludedForEver(const v1::ScheduleSpec& spec) {
  const absl::StatusOr<Schedule> schedule = Schedule::Create(spec);
  const absl::StatusOr<Exclusions> exclusions = Exclusions::Create(spec);
  if (!schedule.ok() || !exclusions.ok()) {
    return false;  // Said elsewhere.
  }
  // Any year will do, and a leap year has every day.
  const absl::Time begin = absl::FromCivil(absl::CivilDay(2024, 1, 1), absl::UTCTimeZone());
  const absl::Time end = begin + 400 * kDay;
  const absl::Duration start_deadline = ToAbsl(spec.start_deadline());
  const std::vector<ExcludedSpan> spans = exclusions->Between(begin, end + start_deadline, kMaxLookedAt);
  const bool all = static_cast<int>(spans.size()) < kMaxLookedAt;
  const absl::Time known_until = all ? absl::InfiniteFuture() : spans.back().end;
  int count = 0;
  absl::Time slot = schedule->NextSlot(begin);
  while (slot < end) {
    // Too many to look at all of them: where one is free is not known, so nothing is refused.
    if (slot + start_deadline > known_until || ++count > kMaxLookedAt) {
      return false;
    }
    if (FirstStart(spans, slot, absl::ZeroDuration(), slot + start_deadline) < slot + start_deadline) {
      return false;
    }
    // Those that this span leaves no time either need not be looked at, however many they are.
    const auto later = std::upper_bound(spans.begin(), spans.end(), slot,
                                        [](absl::Time time, const ExcludedSpan& span) { return time < span.begin; });
    const absl::Time span_end = later == spans.begin() ? slot : std::prev(later)->end;
    slot = schedule->NextSlot(std::max(slot, span_end - start_deadline));
  }
  return count > 0;
}

void CheckNotDuring(const v1::ScheduleSpec& schedule, Violations& out) {
  if (schedule.not_during().empty()) {
    return;
  }
  out.CheckCount("spec.schedule.not_during", schedule.not_during_size(), kMaxExclusions);
  bool valid = schedule.not_during_size() <= kMaxExclusions;
  for (int i = 0; i < std::min(schedule.not_during_size(), kMaxExclusions); ++i) {
    const v1::ExclusionWindow& window = schedule.not_during(i);
    const std::string path = absl::StrCat("spec.schedule.not_during[", i, "]");
    const absl::Status cron = CronSchedule::Parse(window.cron()).status();
    out.AddStatus(absl::StrCat(path, ".cron"), cron);
    if (window.has_duration()) {
      out.CheckRange(absl::StrCat(path, ".duration"), window.duration(), absl::Minutes(1), 7 * kDay);
    } else {
      out.Add(absl::StrCat(path, ".duration"), "it is missing", "say how long the span lasts, 1m to 7d");
    }
    valid = valid && cron.ok();
  }
  if (valid && IsExcludedForEver(schedule)) {
    out.Add("spec.schedule.not_during", "every slot falls into one of these spans and cannot start before its deadline",
            "move the slots, shorten the spans, or raise the start deadline");
  }
}

void CheckSchedule(const v1::ScheduleSpec& schedule, Violations& out) {
  if (!schedule.cron().empty() && schedule.has_every()) {
    out.Add("spec.schedule.every", "both cron and every are given", "keep one of them");
  } else if (schedule.cron().empty() && !schedule.has_every()) {
    out.Add("spec.schedule", "neither cron nor every is given", "for example cron: \"0 22 * * *\" or every: 1h");
  }
  if (!schedule.cron().empty()) {
    out.AddStatus("spec.schedule.cron", CronSchedule::Parse(schedule.cron()).status());
  }
  if (schedule.has_every()) {
    out.CheckRange("spec.schedule.every", schedule.every(), absl::Minutes(1), 366 * kDay);
    if (schedule.every().nanos() != 0) {
      out.Add("spec.schedule.every", "it is not a whole number of seconds");
    }
  }
  out.AddStatus("spec.schedule.time_zone", FindTimeZone(schedule.time_zone()).status());
  out.CheckRange("spec.schedule.jitter", schedule.jitter(), absl::ZeroDuration(), kDay);
  out.CheckRange("spec.schedule.start_deadline", schedule.start_deadline(), absl::Minutes(1), 7 * kDay);
  if (ToAbsl(schedule.jitter()) >= ToAbsl(schedule.start_deadline()) && schedule.has_jitter()) {
    out.Add("spec.schedule.jitter", "it is not less than the start deadline, so that some runs could never start",
            "lower the jitter or raise the start deadline");
  }
  if (schedule.overlap() != v1::SKIP && schedule.overlap() != v1::QUEUE_ONE) {
    out.Add("spec.schedule.overlap", "accepted are SKIP and QUEUE_ONE");
  }
  out.CheckRange("spec.schedule.max_running", schedule.max_running(), 0, 100000);
  if (schedule.has_retry()) {
    out.CheckRange("spec.schedule.retry.attempts", schedule.retry().attempts(), 1, 10);
    out.CheckRange("spec.schedule.retry.backoff", schedule.retry().backoff(), absl::Seconds(1), absl::Hours(1));
  }
  CheckNotDuring(schedule, out);
}

void CheckDump(const v1::DumpSpec& dump, Violations& out) {
  out.CheckRange("spec.dump.jobs", dump.jobs(), 1, 64);
  if (dump.compression() != v1::GZIP && dump.compression() != v1::ZSTD && dump.compression() != v1::NONE) {
    out.Add("spec.dump.compression", "accepted are gzip, zstd and none");
  }
  out.CheckRange("spec.dump.threads", dump.threads(), 0, 64);
  if (dump.max_bytes_per_second() != 0) {
    out.CheckRange("spec.dump.max_bytes_per_second", dump.max_bytes_per_second(), kLeastBytesPerSecond, kMaxBytes);
  }
  out.CheckRange("spec.dump.lock_timeout", dump.lock_timeout(), absl::Seconds(1), kDay);
  out.CheckRange("spec.dump.stall_timeout", dump.stall_timeout(), absl::Seconds(1), kDay);
  out.CheckRange("spec.dump.timeout", dump.timeout(), absl::Seconds(1), 7 * kDay);
}

void CheckVerify(const v1::VerifySpec& verify, Violations& out) {
  out.CheckRange("spec.verify.min_bytes", verify.min_bytes(), 0, kMaxBytes);
  out.CheckRange("spec.verify.max_change_percent", verify.max_change_percent(), 0, 1000000);
  out.CheckCount("spec.verify.key_tables", verify.key_tables_size(), kMaxEntries);
  std::set<std::string> seen;
  for (int i = 0; i < std::min(verify.key_tables_size(), kMaxEntries); ++i) {
    const std::string& table = verify.key_tables(i);
    const std::string path = absl::StrCat("spec.verify.key_tables[", i, "]");
    const std::vector<std::string> parts = absl::StrSplit(table, '.');
    const bool form = parts.size() == 2 && std::all_of(parts.begin(), parts.end(), [](const std::string& part) {
                        return !part.empty() && part.size() <= kMaxIdBytes;
                      });
    if (!form || HasControlCharacter(table) || absl::StrContains(table, '"')) {
      out.Add(path, absl::StrCat("\"", CleanText(table, 160), "\" is not of the form schema.name"),
              "write the names as they are, without quotes, such as public.students");
    } else if (!seen.insert(table).second) {
      out.Add(path, absl::StrCat("\"", CleanText(table, 160), "\" is there twice"));
    }
  }
}

void CheckDrill(const v1::DrillSpec& drill, Violations& out) {
  if (drill.cron().empty()) {
    out.Add("spec.drill.cron", "a drill needs a cron expression", "for example cron: \"0 4 1 * *\"");
  } else {
    out.AddStatus("spec.drill.cron", CronSchedule::Parse(drill.cron()).status());
  }
  if (drill.has_max_duration()) {
    out.CheckRange("spec.drill.max_duration", drill.max_duration(), absl::Seconds(1), 7 * kDay);
  }
  out.CheckCount("spec.drill.assertions", drill.assertions_size(), kMaxEntries);
  for (int i = 0; i < std::min(drill.assertions_size(), kMaxEntries); ++i) {
    if (drill.assertions(i).empty() || drill.assertions(i).size() > kMaxAssertionBytes) {
      out.Add(absl::StrCat("spec.drill.assertions[", i, "]"), "an assertion is SQL of 1 to 4096 bytes");
    }
  }
}

void CheckRetention(const v1::RetentionSpec& retention, Violations& out) {
  const std::pair<absl::string_view, int> counts[] = {
      {"keep_last", retention.keep_last()},     {"keep_daily", retention.keep_daily()},
      {"keep_weekly", retention.keep_weekly()}, {"keep_monthly", retention.keep_monthly()},
      {"keep_yearly", retention.keep_yearly()},
  };
  bool keeps_something = retention.has_keep_within();
  for (const auto& [name, value] : counts) {
    out.CheckRange(absl::StrCat("spec.retention.", name), value, 0, 10000);
    keeps_something = keeps_something || value != 0;
  }
  if (retention.has_keep_within()) {
    out.CheckRange("spec.retention.keep_within", retention.keep_within(), absl::Minutes(1), kMaxKeepWithin);
  }
  if (!keeps_something) {
    out.Add("spec.retention", "no rule says what to keep",
            "for example {keepWithin: 30d} or {keepDaily: 7, keepWeekly: 5}");
  }
  out.CheckRange("spec.retention.minimum_good", retention.minimum_good(), 1, 1000);
  out.CheckRange("spec.retention.max_total_bytes", retention.max_total_bytes(), 0, kMaxBytes);
}

void CheckNotify(const v1::PolicySpec& spec, Violations& out) {
  static const auto& kinds = *new std::vector<std::string>{"FAILED", "MISSED", "SUSPICIOUS", "RECOVERED"};
  out.CheckCount("spec.notify", spec.notify_size(), kMaxEntries);
  for (int i = 0; i < std::min(spec.notify_size(), kMaxEntries); ++i) {
    const v1::NotifySpec& notify = spec.notify(i);
    const std::string path = absl::StrCat("spec.notify[", i, "]");
    if (!IsValidId(notify.channel())) {
      out.Add(absl::StrCat(path, ".channel"), "a channel's name is 1 to 63 of a-z, 0-9 and -");
    }
    if (notify.on().empty()) {
      out.Add(absl::StrCat(path, ".on"), absl::StrCat("no kind of news; accepted are ", absl::StrJoin(kinds, ", ")));
    }
    out.CheckCount(absl::StrCat(path, ".on"), notify.on_size(), kMaxEntries);
    for (int j = 0; j < std::min(notify.on_size(), kMaxEntries); ++j) {
      if (std::find(kinds.begin(), kinds.end(), notify.on(j)) == kinds.end()) {
        const std::string near = NearestWord(absl::AsciiStrToUpper(notify.on(j).substr(0, kMaxIdBytes)), kinds);
        out.Add(absl::StrCat(path, ".on[", j, "]"),
                absl::StrCat("\"", CleanText(notify.on(j), 64), "\" is none of ", absl::StrJoin(kinds, ", ")),
                near.empty() ? "" : absl::StrCat("did you mean ", near, "?"));
      }
    }
  }
}

}  // namespace

absl::Status ValidatePolicy(const v1::Policy& policy) {
  Violations out;
  out.AddStatus("name", ParsePolicyName(policy.name()).status());
  CheckLabels("labels", policy.labels(), out);
  CheckDatabases(policy.spec(), out);
  CheckSchedule(policy.spec().schedule(), out);
  CheckDump(policy.spec().dump(), out);
  CheckVerify(policy.spec().verify(), out);
  if (policy.spec().has_drill()) {
    CheckDrill(policy.spec().drill(), out);
  }
  CheckRetention(policy.spec().retention(), out);
  CheckNotify(policy.spec(), out);
  return out.ToStatus();
}

}  // namespace backup::server
