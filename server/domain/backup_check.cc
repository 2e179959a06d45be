// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <set>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/errors.h"
#include "base/proto_json.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "server/domain/backup_facts.h"
#include "server/domain/reported_values.h"
#include "server/domain/run_state.h"

namespace backup::server {
namespace {

constexpr int kManifestVersion = 1;
constexpr int64_t kMaxBytes = int64_t{1} << 62;
constexpr int kMaxFiles = 100;
constexpr int kMaxTexts = 1000;
constexpr size_t kMaxNameBytes = 63;  // Of PostgreSQL.
constexpr size_t kMaxFileNameBytes = 255;
constexpr size_t kMaxPathBytes = 4096;
constexpr size_t kMaxTextBytes = 4096;
constexpr size_t kPlainHashDigits = 32;
constexpr size_t kSha256Digits = 64;
constexpr size_t kContentHashDigits = 32;

absl::Status Invalid(absl::string_view what) {
  return MakeError(absl::StatusCode::kInvalidArgument, "RESULT_INVALID", absl::StrCat("the reported success: ", what),
                   "the artifact stays where it is; see the agent's log");
}

absl::Status Differs(absl::string_view field, absl::string_view reported, absl::string_view expected) {
  return Invalid(absl::StrCat("manifest.", field, " is \"", CleanText(reported, 128), "\", and the run's is \"",
                              CleanText(expected, 128), "\""));
}

bool IsHex(absl::string_view text, size_t digits) {
  return text.size() == digits &&
         std::all_of(text.begin(), text.end(), [](char c) { return absl::ascii_isdigit(c) || (c >= 'a' && c <= 'f'); });
}

bool IsBytes(int64_t value) { return value >= 0 && value <= kMaxBytes; }

bool IsFileName(absl::string_view name) {
  return !name.empty() && name.size() <= kMaxFileNameBytes && name != "." && name != ".." &&
         std::all_of(name.begin(), name.end(), [](char c) { return absl::ascii_isgraph(c) && c != '/'; });
}

bool IsDump(const v1::ArtifactFile& file) {
  return file.name() == "dump.sql" || file.name() == "dump.sql.gz" || file.name() == "dump.sql.zst";
}

// That the manifest speaks of this attempt of this run, and of no other backup.
absl::Status CheckIdentity(const v1::Run& run, const v1::AttemptRef& attempt, const v1::Manifest& manifest) {
  ASSIGN_OR_RETURN(const DatabaseId database, ParseDatabaseName(run.database()));
  ASSIGN_OR_RETURN(const std::string run_id, ParseRunName(run.name()));
  if (manifest.format_version() != kManifestVersion) {
    return Invalid(absl::StrCat("manifest.format_version ", manifest.format_version(), " is not ", kManifestVersion));
  }
  // The run's id within makes it impossible to name somebody else's backup.
  if (!IsValidBackupId(manifest.backup_id()) || !absl::EndsWith(manifest.backup_id(), absl::StrCat("-", run_id))) {
    return Invalid(absl::StrCat("manifest.backup_id \"", CleanText(manifest.backup_id(), 128),
                                "\" is not a backup of run ", run_id));
  }
  if (manifest.agent() != database.agent) {
    return Differs("agent", manifest.agent(), database.agent);
  }
  if (manifest.run() != run.name()) {
    return Differs("run", manifest.run(), run.name());
  }
  if (manifest.attempt_id() != attempt.attempt_id()) {
    return Differs("attempt_id", manifest.attempt_id(), attempt.attempt_id());
  }
  if (manifest.epoch() != attempt.epoch()) {
    return Differs("epoch", absl::StrCat(manifest.epoch()), absl::StrCat(attempt.epoch()));
  }
  if (manifest.policy() != run.policy()) {
    return Differs("policy", manifest.policy(), run.policy());
  }
  if (manifest.has_slot_time() && ToAbsl(manifest.slot_time()) != ToAbsl(run.slot_time())) {
    return Invalid("manifest.slot_time is not the run's slot");
  }
  if (manifest.database().name().empty() || manifest.database().name().size() > kMaxNameBytes ||
      !IsBytes(manifest.database().size_bytes())) {
    return Invalid("manifest.database has no valid name or size");
  }
  return absl::OkStatus();
}

absl::Status CheckTimes(const v1::RunResult& result) {
  const v1::Manifest& manifest = result.manifest();
  if (!manifest.has_snapshot_time() || !IsValidTimestamp(manifest.snapshot_time())) {
    return Invalid("manifest.snapshot_time is missing or absurd");
  }
  if (!result.has_verify_time() || !IsValidTimestamp(result.verify_time())) {
    return Invalid("verify_time is missing or absurd: what was not read back is not a backup");
  }
  return absl::OkStatus();
}

absl::Status CheckFile(const v1::ArtifactFile& file) {
  const std::string name = absl::StrCat("file \"", CleanText(file.name(), 64), "\"");
  if (!IsFileName(file.name())) {
    return Invalid(absl::StrCat(name, " has no valid name"));
  }
  if (!IsBytes(file.stored_bytes()) || !IsBytes(file.plain_bytes()) || file.member_count() < 0) {
    return Invalid(absl::StrCat(name, " has an absurd size"));
  }
  if (!IsHex(file.stored_sha256(), kSha256Digits)) {
    return Invalid(absl::StrCat(name, " lacks a SHA-256 of 64 lower-case hex digits"));
  }
  if (file.plain_hash().empty() ? !IsHex(file.plain_sha256(), kSha256Digits)
                                : !IsHex(file.plain_hash(), kPlainHashDigits) || !file.plain_sha256().empty()) {
    return Invalid(absl::StrCat(name, " lacks the hash of its text, or has two"));
  }
  switch (file.codec()) {
    case v1::GZIP:
    case v1::ZSTD:
      return file.member_count() > 0 ? absl::OkStatus() : Invalid(absl::StrCat(name, " has no members"));
    case v1::NONE:
      if (file.stored_bytes() != file.plain_bytes() || file.stored_sha256() != file.plain_sha256()) {
        return Invalid(absl::StrCat(name, " is stored plain, and its two sizes or hashes differ"));
      }
      return absl::OkStatus();
    default:
      return Invalid(absl::StrCat(name, " has an unknown codec"));
  }
}

// Adds the file list up; gives the dump's plain size.
absl::StatusOr<int64_t> CheckFiles(const v1::Manifest& manifest) {
  if (manifest.files_size() > kMaxFiles) {
    return Invalid(absl::StrCat(manifest.files_size(), " files; an artifact has at most ", kMaxFiles));
  }
  std::set<std::string> names;
  int64_t stored_bytes = 0;
  const v1::ArtifactFile* dump = nullptr;
  for (const v1::ArtifactFile& file : manifest.files()) {
    RETURN_IF_ERROR(CheckFile(file));
    if (!names.insert(file.name()).second) {
      return Invalid(absl::StrCat("file \"", file.name(), "\" is there twice"));
    }
    if (file.stored_bytes() > kMaxBytes - stored_bytes) {
      return Invalid("the files' sizes add up to more than there is");
    }
    stored_bytes += file.stored_bytes();
    if (IsDump(file)) {
      if (dump != nullptr) {
        return Invalid("there are two dumps");
      }
      dump = &file;
    }
  }
  if (dump == nullptr || dump->plain_bytes() == 0 || dump->stored_bytes() == 0) {
    return Invalid("there is no dump, or an empty one");
  }
  return dump->plain_bytes();
}

absl::Status CheckTables(const v1::Manifest& manifest, int64_t dump_bytes) {
  int64_t plain_bytes = 0;
  int64_t row_count = 0;
  for (const v1::TableFacts& table : manifest.tables()) {
    const std::string name =
        absl::StrCat("table \"", CleanText(absl::StrCat(table.schema(), ".", table.name()), 130), "\"");
    if (table.schema().empty() || table.schema().size() > kMaxNameBytes || table.name().empty() ||
        table.name().size() > kMaxNameBytes) {
      return Invalid(absl::StrCat(name, " has no valid name"));
    }
    // An agent leaves the hash out of a report that would not fit; manifest.json has it.
    if (!table.content_hash().empty() && !IsHex(table.content_hash(), kContentHashDigits)) {
      return Invalid(absl::StrCat(name, " has a content hash that is not 32 lower-case hex digits"));
    }
    // Every row ends in a newline, so rows cannot outnumber bytes.
    if (table.row_count() < 0 || table.plain_bytes() < table.row_count() || table.plain_offset() < 0 ||
        table.plain_offset() > dump_bytes || table.plain_bytes() > dump_bytes - table.plain_offset()) {
      return Invalid(absl::StrCat(name, " has rows or bytes that the dump cannot hold"));
    }
    if (table.plain_bytes() > dump_bytes - plain_bytes || table.row_count() > dump_bytes - row_count) {
      return Invalid("the tables add up to more than the dump");
    }
    plain_bytes += table.plain_bytes();
    row_count += table.row_count();
  }
  return absl::OkStatus();
}

template <typename Texts>
bool AreShort(const Texts& texts) {
  return texts.size() <= kMaxTexts &&
         std::all_of(texts.begin(), texts.end(), [](const std::string& text) { return text.size() <= kMaxTextBytes; });
}

absl::Status CheckPath(const v1::RunResult& result) {
  const std::string& path = result.path();
  if (path.size() > kMaxPathBytes || !absl::StartsWith(path, "/") ||
      !absl::EndsWith(path, absl::StrCat("/", result.manifest().backup_id())) ||
      std::any_of(path.begin(), path.end(), [](char c) { return absl::ascii_iscntrl(c); })) {
    return Invalid("path is not that of a directory named like the backup");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckBackupResult(const v1::Run& run, const v1::AttemptRef& attempt, const v1::RunResult& result) {
  if (!result.has_manifest()) {
    return Invalid("it has no manifest");
  }
  const v1::Manifest& manifest = result.manifest();
  RETURN_IF_ERROR(CheckIdentity(run, attempt, manifest));
  RETURN_IF_ERROR(CheckTimes(result));
  if (!IsHex(result.manifest_sha256(), kSha256Digits)) {
    return Invalid("manifest_sha256 is not 64 lower-case hex digits");
  }
  RETURN_IF_ERROR(CheckPath(result));
  ASSIGN_OR_RETURN(const int64_t dump_bytes, CheckFiles(manifest));
  RETURN_IF_ERROR(CheckTables(manifest, dump_bytes));
  if (!AreShort(manifest.warnings()) || !AreShort(manifest.roles())) {
    return Invalid("its warnings or roles are too many or too long");
  }
  return absl::OkStatus();
}

}  // namespace backup::server
