// SPDX-License-Identifier: Apache-2.0
#include "server/api/agent_input.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/map.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/proto_json.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace backup::server {
namespace {

using Labels = google::protobuf::Map<std::string, std::string>;

constexpr int kMaxDatabases = 1000;
constexpr int kMaxLabels = 64;
constexpr int kMaxCapabilities = 64;
constexpr int kMaxStderrLines = 40;
constexpr int kMaxLogLines = 1000;
constexpr int kMaxRestoreTargets = 100;
constexpr int kMaxRestoreTexts = 100;
constexpr int kMaxUnknownPaths = 20;
constexpr size_t kMaxWordBytes = 64;        // Ids, versions, capabilities.
constexpr size_t kMaxNameBytes = 255;       // Names of hosts and databases, labels.
constexpr size_t kMaxSentenceBytes = 1000;  // What went wrong.
constexpr size_t kMaxStderrBytes = 500;
constexpr size_t kMaxLogBytes = 2000;
constexpr size_t kMaxPathBytes = 4096;
// A clock that is further off is told as this far off.
constexpr absl::Duration kMaxSkew = absl::Hours(24 * 365);

Labels CleanLabels(const Labels& labels) {
  // Sorted, so that the same ones stay when there are too many.
  std::set<std::pair<std::string, std::string>> sorted(labels.begin(), labels.end());
  Labels clean;
  for (const auto& [key, value] : sorted) {
    if (clean.size() == kMaxLabels) {
      break;
    }
    clean[CleanText(key, kMaxNameBytes)] = CleanText(value, kMaxNameBytes);
  }
  return clean;
}

v1::RepositoryStatus CleanRepository(const v1::RepositoryStatus& repository) {
  v1::RepositoryStatus clean;
  clean.set_id(CleanText(repository.id(), kMaxWordBytes));
  clean.set_path(CleanText(repository.path(), kMaxPathBytes));
  clean.set_total_bytes(std::max<int64_t>(repository.total_bytes(), 0));
  clean.set_free_bytes(std::clamp<int64_t>(repository.free_bytes(), 0, clean.total_bytes()));
  clean.set_problem(CleanText(repository.problem(), kMaxSentenceBytes));
  for (const std::string& path : repository.unknown_paths()) {
    if (clean.unknown_paths_size() == kMaxUnknownPaths) break;
    clean.add_unknown_paths(CleanText(path, kMaxSentenceBytes));
  }
  clean.set_unknown_count(std::max(repository.unknown_count(), clean.unknown_paths_size()));
  return clean;
}

v1::Database CleanDatabase(const v1::Database& database, absl::Time now) {
  v1::Database clean;
  clean.set_name(database.name());
  clean.set_display_name(CleanText(database.display_name(), kMaxNameBytes));
  clean.set_size_bytes(std::max<int64_t>(database.size_bytes(), 0));
  clean.set_server_version(CleanText(database.server_version(), kMaxWordBytes));
  clean.set_system_identifier(CleanText(database.system_identifier(), kMaxWordBytes));
  clean.set_oid(database.oid());
  clean.set_table_count(std::max(database.table_count(), 0));
  *clean.mutable_labels() = CleanLabels(database.labels());
  clean.set_problem(CleanText(database.problem(), kMaxSentenceBytes));
  *clean.mutable_update_time() = ToProto(now);
  return clean;
}

// True when any string below `message` is longer than a manifest has a use for.
bool HasLongString(const google::protobuf::Message& message) {
  const google::protobuf::Reflection* reflection = message.GetReflection();
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  for (const google::protobuf::FieldDescriptor* field : fields) {
    const int count = field->is_repeated() ? reflection->FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      std::string scratch;
      if (field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_STRING) {
        const std::string& value = field->is_repeated()
                                       ? reflection->GetRepeatedStringReference(message, field, i, &scratch)
                                       : reflection->GetStringReference(message, field, &scratch);
        if (value.size() > kMaxPathBytes) {
          return true;
        }
      } else if (field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) {
        if (HasLongString(field->is_repeated() ? reflection->GetRepeatedMessage(message, field, i)
                                               : reflection->GetMessage(message, field))) {
          return true;
        }
      }
    }
  }
  return false;
}

template <typename Strings>
void CleanStrings(Strings& strings, int max_count, size_t max_bytes) {
  if (strings.size() > max_count) {
    strings.DeleteSubrange(max_count, strings.size() - max_count);
  }
  for (std::string& text : strings) {
    text = CleanText(text, max_bytes);
  }
}

}  // namespace

absl::StatusOr<AgentReport> CleanAgentReport(const Peer& peer, const v1::SyncRequest& request, absl::Time now) {
  if (request.databases_size() > kMaxDatabases) {
    return InvalidField("databases", absl::StrCat("there are more than ", kMaxDatabases));
  }
  AgentReport report;
  for (int i = 0; i < request.databases_size(); ++i) {
    const v1::Database& database = request.databases(i);
    const absl::StatusOr<DatabaseId> id = ParseDatabaseName(database.name());
    if (!id.ok()) {
      return InvalidField(absl::StrCat("databases[", i, "].name"), id.status().message());
    }
    if (id->agent != peer.id) {
      return NotAllowed(peer.ToString(), absl::StrCat("speak for ", database.name()));
    }
    report.databases.push_back(CleanDatabase(database, now));
  }
  v1::Agent& agent = report.agent;
  agent.set_name(MakeAgentName(peer.id));
  agent.set_version(CleanText(request.version(), kMaxWordBytes));
  *agent.mutable_capabilities() = request.capabilities();
  CleanStrings(*agent.mutable_capabilities(), kMaxCapabilities, kMaxWordBytes);
  std::sort(agent.mutable_capabilities()->begin(), agent.mutable_capabilities()->end());
  *agent.mutable_restore_targets() = request.restore_targets();
  CleanStrings(*agent.mutable_restore_targets(), kMaxRestoreTargets, kMaxWordBytes);
  std::sort(agent.mutable_restore_targets()->begin(), agent.mutable_restore_targets()->end());
  *agent.mutable_labels() = CleanLabels(request.labels());
  agent.set_hostname(CleanText(request.hostname(), kMaxNameBytes));
  agent.set_boot_id(CleanText(request.boot_id(), kMaxWordBytes));
  const absl::Duration skew = request.has_time() ? ToAbsl(request.time()) - now : absl::ZeroDuration();
  *agent.mutable_clock_skew() = ToProto(std::clamp(skew, -kMaxSkew, kMaxSkew));
  *agent.mutable_repository() = CleanRepository(request.repository());
  *agent.mutable_last_seen_time() = ToProto(now);
  agent.set_slot_count(std::clamp(request.slot_count(), 0, 64));
  agent.set_active_run_count(request.attempts_size());
  report.sequence = request.sequence();
  return report;
}

absl::StatusOr<v1::RunResult> CleanRunResult(const v1::RunResult& result) {
  if (HasLongString(result.manifest())) {
    return InvalidField("result.manifest", "a text in it is longer than any name or path");
  }
  v1::RunResult clean = result;
  clean.set_state_reason(CleanText(result.state_reason(), kMaxSentenceBytes));
  clean.set_manifest_sha256(CleanText(result.manifest_sha256(), kMaxWordBytes));
  clean.set_path(CleanText(result.path(), kMaxPathBytes));
  if (clean.has_failure()) {
    v1::Failure& failure = *clean.mutable_failure();
    failure.set_message(CleanText(failure.message(), kMaxSentenceBytes));
    failure.set_hint(CleanText(failure.hint(), kMaxSentenceBytes));
    CleanStrings(*failure.mutable_stderr_lines(), kMaxStderrLines, kMaxStderrBytes);
  }
  if (clean.has_restore_facts()) {
    CleanStrings(*clean.mutable_restore_facts()->mutable_left_out(), kMaxRestoreTexts, kMaxStderrBytes);
    CleanStrings(*clean.mutable_restore_facts()->mutable_obstacles(), kMaxRestoreTexts, kMaxStderrBytes);
  }
  CleanStrings(*clean.mutable_manifest()->mutable_warnings(), kMaxStderrLines, kMaxStderrBytes);
  if (!result.has_manifest()) {
    clean.clear_manifest();
  }
  return clean;
}

absl::StatusOr<std::vector<v1::RunLogLine>> CleanLogLines(const v1::UploadRunLogRequest& request) {
  if (request.lines_size() > kMaxLogLines) {
    return InvalidField("lines", absl::StrCat("there are more than ", kMaxLogLines));
  }
  std::vector<v1::RunLogLine> lines;
  for (int i = 0; i < request.lines_size(); ++i) {
    v1::RunLogLine line = request.lines(i);
    if (line.offset() < 0 || line.offset() >= kMaxLogOffset) {
      return InvalidField(absl::StrCat("lines[", i, "].offset"),
                          absl::StrCat("it is not between 0 and ", kMaxLogOffset - 1));
    }
    line.set_text(CleanText(line.text(), kMaxLogBytes));
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace backup::server
