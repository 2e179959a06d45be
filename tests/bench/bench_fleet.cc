// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/bench_fleet.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/proto_json.h"
#include "base/resource_name.h"
#include "server/domain/policy_rules.h"

namespace backup::bench {
namespace {

constexpr int kBigAgentDatabases = 50;
constexpr int kOtherHourlyDatabases = 10;
constexpr int kSmallPolicies = 30;
constexpr int64_t kNightHour = 14;  // 22:00 is as many hours before noon.
constexpr int64_t kDay = 24;
constexpr char kAllHourly[] = "all-hourly";
constexpr char kHourly[] = "hourly";

v1::Policy PolicyOf(const std::string& id, const std::string& cron) {
  v1::Policy policy;
  policy.set_name(MakePolicyName(id));
  v1::PolicySpec& spec = *policy.mutable_spec();
  v1::DatabaseSelector& selector = *spec.add_databases();
  if (id == kHourly) {
    (*selector.mutable_labels())["hourly"] = "yes";
  } else if (id != kAllHourly) {
    (*selector.mutable_labels())["group"] = id;
  }
  spec.mutable_schedule()->set_cron(cron);
  *spec.mutable_schedule()->mutable_jitter() = ToProto(absl::Minutes(10));
  spec.mutable_retention()->set_keep_daily(14);
  spec.mutable_retention()->set_keep_weekly(5);
  spec.mutable_retention()->set_keep_monthly(12);
  spec.mutable_retention()->set_minimum_good(2);
  server::FillDefaults(spec);
  return policy;
}

std::string GroupOf(int i) {
  if (i % 1000 == 7) return absl::StrCat("small-", i / 1000 % kSmallPolicies);
  return i % 10 < 6 ? "nightly" : i % 10 < 8 ? "team-a" : i % 10 < 9 ? "team-b" : "team-c";
}

// One in thirty fails somehow; a few among millions in the rare ways.
v1::RunState StateOf(uint64_t dice) {
  dice %= 100000;
  if (dice < 4) return v1::LOST;
  if (dice < 20) return v1::CANCELLED;
  if (dice < 400) return v1::SKIPPED;
  if (dice < 1400) return v1::MISSED;
  if (dice < 3300) return v1::FAILED;
  return v1::SUCCEEDED;
}

}  // namespace

uint64_t Mix(uint64_t a, uint64_t b) {
  uint64_t z = a * 0x9e3779b97f4a7c15 + b + 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

std::string IdText(uint64_t id) {
  static constexpr char kDigits[] = "0123456789abcdefghjkmnpqrstvwxyz";
  std::string text(10, '0');
  for (char& digit : text) {
    digit = kDigits[id % 32];
    id /= 32;
  }
  return text;
}

absl::Time BenchFleet::Now() { return absl::FromUnixSeconds(1795435200); }

BenchFleet::BenchFleet(const CatalogSize& size) : size_(size) {
  for (int i = 0; i < size.agent_count; ++i) {
    const std::string id = i == 0 ? "warehouse" : absl::StrFormat("db-%05d", i);
    v1::Agent& agent = agents_.emplace_back();
    agent.set_name(MakeAgentName(id));
    agent.set_version("1.0.0");
    agent.set_hostname(absl::StrCat(id, ".example.net"));
    agent.set_boot_id(absl::StrCat("boot-", i));
    agent.set_slot_count(2);
    *agent.mutable_enroll_time() = ToProto(Now() - absl::Hours(24 * 500));
    *agent.mutable_certificate_expire_time() = ToProto(Now() + absl::Hours(24 * 60));
    *agent.mutable_last_seen_time() = ToProto(Now() - (i % 50 == 49 ? absl::Hours(5) : absl::Seconds(i % 50)));
    const int database_count = i == 0 ? kBigAgentDatabases : 1;
    for (int j = 0; j < database_count; ++j) {
      const std::string database = i == 0 ? absl::StrFormat("mart_%02d", j) : "orders";
      const bool hourly = i <= kOtherHourlyDatabases;
      databases_.push_back({MakeDatabaseName(id, database), agent.name(), GroupOf(i + j), hourly});
    }
  }
  for (const char* id : {"nightly", "team-a", "team-b", "team-c"}) policies_.push_back(PolicyOf(id, "0 22 * * *"));
  for (int i = 0; i < kSmallPolicies; ++i) policies_.push_back(PolicyOf(absl::StrCat("small-", i), "0 22 * * *"));
  policies_.push_back(PolicyOf(kHourly, "0 * * * *"));
  policies_.push_back(PolicyOf(kAllHourly, "0 * * * *"));
  CountDays();
}

void BenchFleet::CountDays() {
  std::map<int64_t, int64_t> run_counts;
  std::map<int64_t, int64_t> backup_counts;
  const auto count = [&](int64_t hour) {
    VisitHour(hour, [&](const BenchRun& run) {
      ++run_counts[hour];
      if (run.kind == v1::BACKUP && run.state == v1::SUCCEEDED) ++backup_counts[hour];
    });
  };
  // The scheduler will add a day and an hour of all-hourly, two nights of the others.
  int64_t runs = static_cast<int64_t>(databases_.size()) * (26 + 2);
  int64_t backups = 0;
  for (int64_t hour = 1; runs < size_.run_count && hour < kDay * 5000; ++hour) {
    count(hour);
    runs += run_counts[hour];
    if (backups < size_.backup_count) {
      backups += backup_counts[hour];
      first_backup_hour_ = hour;
    }
    first_hour_ = hour;
  }
}

void BenchFleet::ForEachRun(const std::function<void(const BenchRun&)>& visit) const {
  for (int64_t hour = first_hour_; hour > 0; --hour) VisitHour(hour, visit);
}

void BenchFleet::VisitHour(int64_t hour, const std::function<void(const BenchRun&)>& visit) const {
  const auto add = [&](size_t index, const std::string& policy, v1::RunKind kind) {
    BenchRun run;
    run.database = &databases_[index];
    run.policy = MakePolicyName(policy);
    run.slot = Now() - absl::Hours(hour);
    run.kind = kind;
    run.id = Mix(Mix(index, hour), (policy.size() << 8) + static_cast<uint64_t>(policy.back()) * 16 + kind);
    run.state = StateOf(run.id >> 10);
    run.manual = kind == v1::VERIFY || kind == v1::RESTORE;
    // What works at this moment.
    if (hour == 1 && run.id % 100 == 0) run.state = v1::RUNNING;
    if (hour == 1 && run.id % 100 == 1) run.state = v1::PENDING;
    run.in_backups = kind == v1::BACKUP && run.state == v1::SUCCEEDED && hour <= first_backup_hour_;
    visit(run);
  };
  const bool night = hour % kDay == kNightHour;
  for (size_t i = 0; i < databases_.size(); ++i) {
    if (hour <= kDay) add(i, kAllHourly, v1::BACKUP);
    if (databases_[i].hourly) add(i, kHourly, v1::BACKUP);
    if (night) add(i, databases_[i].group, v1::BACKUP);
    // The oldest backups are let go at noon, one after the other.
    if (hour % kDay == 0 && Mix(i, hour) % 10 == 0) add(i, databases_[i].group, v1::DELETE);
    if (night && Mix(i, hour) % 90 == 1) add(i, databases_[i].group, v1::DRILL);
    if (hour % kDay == 3 && Mix(i, hour) % 200 == 2) add(i, databases_[i].group, v1::VERIFY);
    if (hour % kDay == 4 && Mix(i, hour) % 5000 == 3) add(i, databases_[i].group, v1::RESTORE);
  }
}

}  // namespace backup::bench
