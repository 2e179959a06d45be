// SPDX-License-Identifier: Apache-2.0
#include "server/domain/policy_rules.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/errors.h"
#include "base/proto_json.h"
#include "base/text.h"

#include <google/protobuf/util/field_mask_util.h>

namespace backup::server {
namespace {

constexpr absl::Duration kDefaultStartDeadline = absl::Hours(6);
constexpr absl::Duration kDefaultLockTimeout = absl::Seconds(60);
constexpr absl::Duration kDefaultStallTimeout = absl::Minutes(10);
constexpr absl::Duration kDefaultTimeout = absl::Hours(6);
constexpr absl::Duration kDefaultRetryBackoff = absl::Minutes(1);
constexpr int kDefaultMinimumGood = 2;

void FillScheduleDefaults(v1::ScheduleSpec& schedule) {
  if (schedule.time_zone().empty()) {
    schedule.set_time_zone("UTC");
  }
  if (!schedule.has_start_deadline()) {
    *schedule.mutable_start_deadline() = ToProto(kDefaultStartDeadline);
  }
  if (schedule.overlap() == v1::OVERLAP_MODE_UNSPECIFIED) {
    schedule.set_overlap(v1::SKIP);
  }
  if (schedule.has_retry() && !schedule.retry().has_backoff()) {
    *schedule.mutable_retry()->mutable_backoff() = ToProto(kDefaultRetryBackoff);
  }
}

void FillDumpDefaults(v1::DumpSpec& dump) {
  if (dump.jobs() == 0) {
    dump.set_jobs(1);
  }
  if (dump.compression() == v1::CODEC_UNSPECIFIED) {
    dump.set_compression(v1::GZIP);
  }
  if (!dump.has_globals()) {
    dump.set_globals(true);
  }
  if (!dump.has_lock_timeout()) {
    *dump.mutable_lock_timeout() = ToProto(kDefaultLockTimeout);
  }
  if (!dump.has_stall_timeout()) {
    *dump.mutable_stall_timeout() = ToProto(kDefaultStallTimeout);
  }
  if (!dump.has_timeout()) {
    *dump.mutable_timeout() = ToProto(kDefaultTimeout);
  }
}

bool MayBeMasked(const std::string& path) {
  return (path == "labels" || path == "spec" || absl::StartsWith(path, "spec.")) &&
         google::protobuf::util::FieldMaskUtil::IsValidPath<v1::Policy>(path);
}

}  // namespace

void FillDefaults(v1::PolicySpec& spec) {
  for (v1::DatabaseSelector& selector : *spec.mutable_databases()) {
    if (selector.agent().empty()) {
      selector.set_agent("*");
    }
    if (selector.database().empty()) {
      selector.set_database("*");
    }
  }
  FillScheduleDefaults(*spec.mutable_schedule());
  FillDumpDefaults(*spec.mutable_dump());
  spec.mutable_verify();
  if (spec.retention().minimum_good() == 0) {
    spec.mutable_retention()->set_minimum_good(kDefaultMinimumGood);
  }
}

absl::StatusOr<v1::Policy> ApplyPolicyMask(const v1::Policy& current, const v1::Policy& update,
                                           const google::protobuf::FieldMask& mask) {
  google::protobuf::FieldMask wanted = mask;
  if (wanted.paths().empty()) {
    wanted.add_paths("labels");
    wanted.add_paths("spec");
  }
  for (const std::string& path : wanted.paths()) {
    if (!MayBeMasked(path)) {
      return InvalidField("update_mask", absl::StrCat("\"", CleanText(path, 128), "\" cannot be updated"),
                          "name labels, spec or a field below spec, such as spec.schedule.cron");
    }
  }
  v1::Policy result = current;
  google::protobuf::util::FieldMaskUtil::MergeOptions options;
  options.set_replace_message_fields(true);
  options.set_replace_repeated_fields(true);
  google::protobuf::util::FieldMaskUtil::MergeMessageTo(update, wanted, options, &result);
  return result;
}

}  // namespace backup::server
