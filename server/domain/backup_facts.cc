// SPDX-License-Identifier: Apache-2.0
#include "server/domain/backup_facts.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/proto_json.h"
#include "base/resource_name.h"
#include "base/text.h"
#include "base/units.h"
#include "server/domain/reported_values.h"

namespace backup::server {
namespace {

// Clocks of two hosts differ by no more, unless one is wrong.
constexpr absl::Duration kMaxClockDifference = absl::Hours(1);

int64_t DumpBytes(const v1::Manifest& manifest) {
  for (const v1::ArtifactFile& file : manifest.files()) {
    if (absl::StartsWith(file.name(), "dump.sql") && !absl::EndsWith(file.name(), ".gzi")) {
      return file.plain_bytes();
    }
  }
  return 0;
}

int64_t RowCount(const v1::Manifest& manifest) {
  int64_t rows = 0;
  for (const v1::TableFacts& table : manifest.tables()) {
    rows += table.row_count();
  }
  return rows;
}

bool HasGlobals(const v1::Manifest& manifest) {
  return std::any_of(manifest.files().begin(), manifest.files().end(),
                     [](const v1::ArtifactFile& file) { return absl::StartsWith(file.name(), "globals.sql"); });
}

// "" when `now` is within the allowed change of `before`. From nothing, any growth is allowed.
std::string ChangeText(absl::string_view what, int64_t before, int64_t now, int max_percent) {
  if (max_percent <= 0 || before <= 0) {
    return "";
  }
  const double percent = std::abs(static_cast<double>(now) - static_cast<double>(before)) * 100.0 / before;
  if (percent <= max_percent) {
    return "";
  }
  return absl::StrCat(what, now < before ? " shrank by " : " grew by ", static_cast<int64_t>(std::ceil(percent)),
                      " % against the last good backup (", before, " to ", now, "); the policy allows ", max_percent,
                      " %");
}

std::string KeyTableText(const std::string& wanted, const v1::Manifest& manifest) {
  for (const v1::TableFacts& table : manifest.tables()) {
    if (absl::StrCat(table.schema(), ".", table.name()) == wanted) {
      return table.row_count() > 0 ? "" : absl::StrCat("key table ", CleanText(wanted, 130), " has no rows");
    }
  }
  return absl::StrCat("key table ", CleanText(wanted, 130), " is not in the dump");
}

bool ExpectsAnything(const v1::VerifySpec& spec) {
  return spec.min_bytes() > 0 || spec.max_change_percent() > 0 || spec.key_tables_size() > 0;
}

}  // namespace

std::string FindSuspicion(const v1::VerifySpec& spec, const v1::Manifest& manifest,
                          const std::optional<v1::Backup>& last_good, absl::Time now) {
  if (ToAbsl(manifest.snapshot_time()) > now + kMaxClockDifference) {
    return absl::StrCat("its snapshot time ", FormatRfc3339(ToAbsl(manifest.snapshot_time())),
                        " lies in the future; check the clocks of the database server and the controller");
  }
  const int64_t plain_bytes = DumpBytes(manifest);
  if (plain_bytes < spec.min_bytes()) {
    return absl::StrCat("the dump has ", FormatSize(plain_bytes), "; the policy wants at least ",
                        FormatSize(spec.min_bytes()));
  }
  for (const std::string& table : spec.key_tables()) {
    if (std::string text = KeyTableText(table, manifest); !text.empty()) {
      return text;
    }
  }
  if (!last_good.has_value()) {
    return "";
  }
  if (std::string text =
          ChangeText("the dump's size", last_good->plain_bytes(), plain_bytes, spec.max_change_percent());
      !text.empty()) {
    return text;
  }
  return ChangeText("the number of rows", last_good->row_count(), RowCount(manifest), spec.max_change_percent());
}

v1::Backup MakeBackup(const RunView& view, const v1::RunResult& result, absl::Time now) {
  const v1::Manifest& manifest = result.manifest();
  v1::Backup backup;
  backup.set_name(MakeBackupName(manifest.backup_id()));
  backup.set_database(view.run.database());
  backup.set_policy(view.run.policy());
  backup.set_run(view.run.name());
  const v1::VerifySpec& expected = view.run.spec().verify();
  std::string suspicion = FindSuspicion(expected, manifest, view.last_good, now);
  if (suspicion.empty() && view.run.spec().dump().globals() && !HasGlobals(manifest)) {
    suspicion = "roles and settings (globals) are not among its files, though the policy wants them";
  }
  backup.set_state(suspicion.empty() ? v1::GOOD : v1::SUSPICIOUS);
  backup.set_state_reason(suspicion);
  backup.set_verification_level(suspicion.empty() && ExpectsAnything(expected) ? v1::CONTENT : v1::STORED);
  *backup.mutable_verify_time() = SaneTime(true, result.verify_time(), now);
  *backup.mutable_snapshot_time() = manifest.snapshot_time();
  *backup.mutable_slot_time() = view.run.slot_time();
  *backup.mutable_create_time() = ToProto(now);
  int64_t stored_bytes = 0;
  for (const v1::ArtifactFile& file : manifest.files()) {
    stored_bytes += file.stored_bytes();
  }
  backup.set_size_bytes(stored_bytes);
  backup.set_plain_bytes(DumpBytes(manifest));
  backup.set_row_count(RowCount(manifest));
  backup.set_table_count(manifest.tables_size());
  backup.set_path(result.path());
  backup.set_manifest_sha256(result.manifest_sha256());
  *backup.mutable_manifest() = manifest;
  return backup;
}

}  // namespace backup::server
