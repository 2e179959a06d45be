// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/manifest_file.h"

#include <algorithm>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "agent/pipeline/job_failure.h"
#include "agent/pipeline/sha256_sums.h"
#include "base/proto_json.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace backup::agent {
namespace {

absl::Status Bad(absl::string_view why) { return JobError(v1::CORRUPT, absl::StrCat(kManifestFile, ": ", why)); }

// Beyond what any file system holds, and far from an overflow of sums.
constexpr int64_t kMaxBytes = int64_t{1} << 56;
constexpr int kMaxFiles = 100;

bool IsSize(int64_t bytes) { return bytes >= 0 && bytes <= kMaxBytes; }

bool IsHex(absl::string_view text, size_t size) {
  return text.size() == size && text.find_first_not_of("0123456789abcdef") == absl::string_view::npos;
}

bool IsFileName(absl::string_view name) {
  return !name.empty() && name.size() <= 100 && name.front() != '.' && name != kManifestFile && name != kSumsFile &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return absl::ascii_isalnum(c) || c == '.' || c == '-' || c == '_'; });
}

const v1::ArtifactFile* FindFile(const v1::Manifest& manifest, absl::string_view plain_name) {
  for (const v1::ArtifactFile& file : manifest.files()) {
    for (const char* ending : {"", ".gz", ".zst"}) {
      if (file.name() == absl::StrCat(plain_name, ending)) {
        return &file;
      }
    }
  }
  return nullptr;
}

absl::Status CheckFile(const v1::ArtifactFile& file) {
  const std::string name = CleanText(file.name(), 100);
  if (!IsFileName(file.name())) {
    return Bad(absl::StrCat("\"", name, "\" is no file name of an artifact"));
  }
  if (file.codec() != v1::GZIP && file.codec() != v1::ZSTD && file.codec() != v1::NONE) {
    return Bad(absl::StrCat(name, ": codec ", static_cast<int>(file.codec()), " is not known"));
  }
  if (absl::EndsWith(file.name(), ".gz") != (file.codec() == v1::GZIP) ||
      absl::EndsWith(file.name(), ".zst") != (file.codec() == v1::ZSTD)) {
    return Bad(absl::StrCat(name, ": the codec does not agree with the name"));
  }
  if (!IsSize(file.stored_bytes()) || !IsSize(file.plain_bytes()) || !IsSize(file.member_count()) ||
      (file.codec() == v1::NONE && file.stored_bytes() != file.plain_bytes())) {
    return Bad(absl::StrCat(name, ": the sizes cannot be"));
  }
  if (!IsHex(file.stored_sha256(), 64)) {
    return Bad(absl::StrCat(name, ": the SHA-256 is none"));
  }
  // One of the two says what the text is.
  if (file.plain_hash().empty() ? !IsHex(file.plain_sha256(), 64)
                                : !IsHex(file.plain_hash(), 32) || !file.plain_sha256().empty()) {
    return Bad(absl::StrCat(name, ": the hash of its text is none"));
  }
  return absl::OkStatus();
}

absl::Status CheckTables(const v1::Manifest& manifest) {
  int64_t end_of_last = 0;
  for (const v1::TableFacts& table : manifest.tables()) {
    const std::string name = CleanText(absl::StrCat(table.schema(), ".", table.name()), 200);
    if (!IsSize(table.row_count()) || !IsSize(table.plain_bytes()) || !IsSize(table.plain_offset()) ||
        table.plain_bytes() < table.row_count() || table.plain_offset() < end_of_last) {
      return Bad(absl::StrCat("table ", name, ": rows, bytes or offset cannot be"));
    }
    if (!IsHex(table.content_hash(), 32)) {
      return Bad(absl::StrCat("table ", name, ": the content hash is none"));
    }
    end_of_last = table.plain_offset() + table.plain_bytes();
  }
  return absl::OkStatus();
}

}  // namespace

std::string FormatManifest(const v1::Manifest& manifest) {
  std::string text = ToJson(manifest, /*indent=*/true);
  if (!absl::EndsWith(text, "\n")) {
    text += '\n';
  }
  return text;
}

absl::StatusOr<v1::Manifest> ParseManifest(absl::string_view text) {
  v1::Manifest manifest;
  if (absl::Status status = FromJson(text, &manifest); !status.ok()) {
    return Bad(CleanText(std::string(status.message()), 300));
  }
  if (manifest.format_version() != kManifestFormatVersion) {
    return JobError(v1::CORRUPT,
                    absl::StrCat(kManifestFile, ": format version ", manifest.format_version(), ", expected ",
                                 kManifestFormatVersion),
                    manifest.format_version() > kManifestFormatVersion ? "read it with a newer backup-agent" : "");
  }
  if (!IsValidBackupId(manifest.backup_id())) {
    return Bad("the backup's id is none");
  }
  if (manifest.files_size() > kMaxFiles) {
    return Bad("it lists too many files");
  }
  std::set<std::string> names;
  for (const v1::ArtifactFile& file : manifest.files()) {
    RETURN_IF_ERROR(CheckFile(file));
    if (!names.insert(file.name()).second) {
      return Bad(absl::StrCat(file.name(), " is listed twice"));
    }
  }
  const auto count = [&names](std::initializer_list<const char*> some) {
    return std::count_if(some.begin(), some.end(), [&names](const char* name) { return names.contains(name); });
  };
  if (count({"dump.sql", "dump.sql.gz", "dump.sql.zst"}) != 1) {
    return Bad("it does not list exactly one dump");
  }
  if (count({"globals.sql", "globals.sql.gz", "globals.sql.zst"}) > 1) {
    return Bad("it lists the globals twice");
  }
  const v1::ArtifactFile* const dump = FindDumpFile(manifest);
  if ((FindIndexFile(manifest) != nullptr) != (dump->codec() != v1::NONE)) {
    return Bad("it lists no index of the dump");
  }
  if (dump->plain_hash().empty() != (dump->codec() == v1::NONE)) {
    return Bad("it does not say the hash of the dump's text");
  }
  RETURN_IF_ERROR(CheckTables(manifest));
  return manifest;
}

const v1::ArtifactFile* FindDumpFile(const v1::Manifest& manifest) { return FindFile(manifest, "dump.sql"); }
const v1::ArtifactFile* FindGlobalsFile(const v1::Manifest& manifest) { return FindFile(manifest, "globals.sql"); }
const v1::ArtifactFile* FindIndexFile(const v1::Manifest& manifest) {
  const v1::ArtifactFile* const dump = FindDumpFile(manifest);
  if (dump == nullptr) {
    return nullptr;
  }
  const std::string name = absl::StrCat(dump->name(), ".gzi");
  for (const v1::ArtifactFile& file : manifest.files()) {
    if (file.name() == name) {
      return &file;
    }
  }
  return nullptr;
}

int64_t TotalStoredBytes(const v1::Manifest& manifest) {
  int64_t total = 0;
  for (const v1::ArtifactFile& file : manifest.files()) {
    total += file.stored_bytes();
  }
  return total;
}

int64_t TotalRows(const v1::Manifest& manifest) {
  int64_t rows = 0;
  for (const v1::TableFacts& table : manifest.tables()) {
    rows += table.row_count();
  }
  return rows;
}

}  // namespace backup::agent
