// SPDX-License-Identifier: Apache-2.0
#include "ctl/policy_fields.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace backup::ctl {
namespace {

// Rules that the controller checks are said here too, for people to read; the controller's word is the one that counts.
const std::vector<PolicyField>& AllFields() {
  static const auto& fields = *new std::vector<PolicyField>{
      {"apiVersion", "text", "", "Version of this form; always backup/v1.", "backup/v1"},
      {"kind", "text", "", "What the document is; always Policy.", "Policy"},
      {"metadata", "map", "", "Who the policy is.", ""},
      {"metadata.name", "text", "",
       "Its id: 1 to 63 characters of [a-z0-9-], beginning and ending with a letter or digit.", "nightly"},
      {"metadata.labels", "map of text", "", "Labels of the policy itself, for filters and reports.", "{tier: gold}"},
      {"spec", "map", "", "What should be true.", ""},
      {"spec.databases", "list of maps", "",
       "Which databases. A database is covered when any of the selectors matches; new databases are covered as they "
       "appear.",
       ""},
      {"spec.databases[].agent", "glob", "\"*\"",
       "Agents by id: * stands for any characters, ? for one. Quote a value that begins with *.", "\"*\""},
      {"spec.databases[].database", "glob", "\"*\"", "Databases by name, with * and ? likewise.", "\"shop_*\""},
      {"spec.databases[].exclude", "list of globs", "", "Databases that are left out although they match.",
       "[\"*_tmp\"]"},
      {"spec.databases[].labels", "map of text", "", "Labels that the database must carry, with these values.",
       "{env: prod}"},
      {"spec.schedule", "map", "", "When backups are due. Exactly one of cron and every.", ""},
      {"spec.schedule.cron", "text", "",
       "Five fields: minute, hour, day of month, month, day of week; or @hourly, @daily, @weekly, @monthly, @yearly. "
       "When both "
       "days are restricted, either is enough. Quote it: a bare * means something else in YAML.",
       "\"0 22 * * *\""},
      {"spec.schedule.every", "duration", "", "A fixed interval from 1 minute up, counted from 1970-01-01T00:00:00Z.",
       "1h"},
      {"spec.schedule.timeZone", "IANA time zone", "UTC",
       "Where cron is read. An hour that a clock change leaves out runs once, right after it; one that comes twice "
       "runs once.",
       "Europe/Berlin"},
      {"spec.schedule.jitter", "duration", "0",
       "Each database starts at its slot plus a fixed share of this, so that not all start at once; at most 24h.",
       "10m"},
      {"spec.schedule.startDeadline", "duration", "6h",
       "How long after its slot a run may still start; later it is MISSED. 1m to 7d.", "6h"},
      {"spec.schedule.overlap", "SKIP or QUEUE_ONE", "SKIP",
       "What happens when the previous run still works. SKIP: the new slot becomes SKIPPED. QUEUE_ONE: it waits, until "
       "its "
       "start deadline; of several that wait the newest stays, and the others become SKIPPED.",
       "QUEUE_ONE"},
      {"spec.schedule.notDuring", "list of maps", "",
       "When no run may start. A slot that falls due within one of these spans waits for its end, or becomes SKIPPED "
       "when "
       "its start deadline comes first.",
       ""},
      {"spec.schedule.notDuring[].cron", "text", "", "When it begins: five fields, in the schedule's time zone.",
       "\"0 8 * * 1-5\""},
      {"spec.schedule.notDuring[].duration", "duration", "", "How long it lasts, 1m to 7d.", "10h"},
      {"spec.schedule.maxRunning", "count from 1", "",
       "Runs of this policy that may work at once, over all its databases; left out for no limit. With a limit, agents "
       "start its runs only while the controller is there to give them a place.",
       "4"},
      {"spec.schedule.retry", "map", "",
       "Whether a run that failed for a cause that may pass is tried again; left out for never. Such causes are "
       "LOCK_TIMEOUT, NETWORK, STALLED, REPOSITORY_BUSY, REPOSITORY_UNAVAILABLE, IO, DISK_FULL and AGENT_LOST.",
       ""},
      {"spec.schedule.retry.attempts", "1 to 10", "",
       "Attempts in all, the first included; all before the start deadline.", "3"},
      {"spec.schedule.retry.backoff", "duration", "1m",
       "The wait before the second attempt, 1s to 1h; each further one is twice as long, at most 1h.", "1m"},
      {"spec.schedule.paused", "true or false", "as it is",
       "While true, due slots become SKIPPED. A file that does not say it leaves the state that backupctl policy pause "
       "and "
       "resume set.",
       "false"},
      {"spec.dump", "map", "", "How to dump.", ""},
      {"spec.dump.jobs", "1 to 64", "1", "Dump processes that may work at once on one database.", "2"},
      {"spec.dump.compression", "gzip, zstd or none", "gzip", "How the stored files are compressed.", "gzip"},
      {"spec.dump.threads", "1 to 64", "", "Threads that compress; left out: as many as the host has processors.", "1"},
      {"spec.dump.maxBytesPerSecond", "size", "", "How fast a database is read at most; left out for no limit.",
       "50MiB"},
      {"spec.dump.globals", "true or false", "true",
       "Whether roles, memberships, tablespaces and settings are stored beside the dump.", "true"},
      {"spec.dump.lockTimeout", "duration", "60s",
       "How long to wait for a table lock before the run fails with LOCK_TIMEOUT.", "60s"},
      {"spec.dump.stallTimeout", "duration", "10m", "How long no byte may arrive before the run fails with STALLED.",
       "10m"},
      {"spec.dump.timeout", "duration", "6h", "How long the whole run may take before it fails with TIMEOUT.", "6h"},
      {"spec.verify", "map", "", "What a new backup is held against; one that differs is SUSPICIOUS.", ""},
      {"spec.verify.minBytes", "size", "0", "The least plain size of a good dump; 0 for no limit.", "1KiB"},
      {"spec.verify.maxChange", "percentage", "0%",
       "The greatest change of size or rows against the last good backup; 0% for no limit.", "50%"},
      {"spec.verify.keyTables", "list of tables", "",
       "Tables, as schema.name, that must be there with at least one row.", "[public.orders]"},
      {"spec.drill", "map", "", "When a restore is tried out; left out for never.", ""},
      {"spec.drill.cron", "text", "", "When: five fields, in the schedule's time zone.", "\"0 4 15 * *\""},
      {"spec.drill.maxDuration", "duration", "", "How long the restore may take to count as passed.", "30m"},
      {"spec.drill.assert", "list of SQL", "", "Expressions that must be true in the restored database.",
       "[\"SELECT count(*) > 0 FROM orders\"]"},
      {"spec.retention", "map", "",
       "What is kept; only good backups count, and a backup stays when any rule wants it. At least one rule beside "
       "minimumGood.",
       ""},
      {"spec.retention.keepWithin", "duration", "", "Every good backup younger than this.", "30d"},
      {"spec.retention.keepLast", "count", "0", "The newest N good backups.", "3"},
      {"spec.retention.keepDaily", "count", "0", "The last good backup of each of the newest N days that have one.",
       "7"},
      {"spec.retention.keepWeekly", "count", "0", "The same for ISO weeks.", "5"},
      {"spec.retention.keepMonthly", "count", "0", "The same for months.", "12"},
      {"spec.retention.keepYearly", "count", "0", "The same for years.", "0"},
      {"spec.retention.minimumGood", "count from 1", "2",
       "Good backups of a database that are never deleted, whatever the rules say.", "2"},
      {"spec.retention.maxTotalBytes", "size", "0",
       "The oldest go while a database's backups together are greater, never below minimumGood; 0 for no limit.",
       "500GiB"},
      {"spec.notify", "list of maps", "", "Whom to tell of what.", ""},
      {"spec.notify[].channel", "text", "", "Name of a channel in the controller's configuration.", "oncall"},
      {"spec.notify[].on", "list of kinds", "", "Kinds of news: FAILED, MISSED, SUSPICIOUS, RECOVERED.",
       "[FAILED, MISSED]"},
  };
  return fields;
}

// "policy.spec.databases[0].agent" and "spec.databases.agent" are the same: without "policy." and brackets.
std::string Plain(absl::string_view path) {
  std::string plain;
  bool within_brackets = false;
  for (char c : path) {
    if (c == '[') within_brackets = true;
    if (!within_brackets) plain += c;
    if (c == ']') within_brackets = false;
  }
  if (plain == "policy") return "";
  return std::string(absl::StripPrefix(plain, "policy."));
}

}  // namespace

const std::vector<PolicyField>& PolicyFields() { return AllFields(); }

const PolicyField* FindPolicyField(absl::string_view path) {
  const std::string plain = Plain(path);
  for (const PolicyField& field : AllFields()) {
    if (Plain(field.path) == plain) return &field;
  }
  return nullptr;
}

std::vector<const PolicyField*> PolicyFieldsBelow(absl::string_view path) {
  const std::string plain = Plain(path);
  const std::string prefix = plain.empty() ? "" : absl::StrCat(plain, ".");
  std::vector<const PolicyField*> below;
  for (const PolicyField& field : AllFields()) {
    const std::string candidate = Plain(field.path);
    if (absl::StartsWith(candidate, prefix) && candidate.find('.', prefix.size()) == std::string::npos &&
        candidate.size() > prefix.size()) {
      below.push_back(&field);
    }
  }
  return below;
}

}  // namespace backup::ctl
