// SPDX-License-Identifier: Apache-2.0
#include "ctl/backup_view.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/proto_json.h"
#include "base/text.h"
#include "base/units.h"
#include "ctl/short_name.h"
#include "ctl/value_text.h"

namespace backup::ctl {
namespace {

using Align = Column::Align;

std::string LevelText(v1::VerificationLevel level) {
  return level == v1::VERIFICATION_LEVEL_UNSPECIFIED ? "" : v1::VerificationLevel_Name(level);
}

std::string SizeText(const v1::Backup& backup) {
  std::string text =
      absl::StrCat(FormatSize(backup.size_bytes()), " on disk, ", FormatSize(backup.plain_bytes()), " decoded");
  if (backup.size_bytes() > 0 && backup.plain_bytes() > 0) {
    absl::StrAppendFormat(&text, " (%.1f to 1)",
                          static_cast<double>(backup.plain_bytes()) / static_cast<double>(backup.size_bytes()));
  }
  return text;
}

std::string RestoredText(const v1::Backup& backup, absl::Time now) {
  if (!backup.has_prove_time()) {
    return IsGoing(backup) ? "never" : "never; try it: backupctl drill run " + ShortName(backup.name());
  }
  return absl::StrCat("in ", ElapsedText(ToAbsl(backup.restore_duration())), " by a drill, every table equal, ",
                      TimeText(true, backup.prove_time(), now));
}

std::string DescribeServer(const v1::Manifest& manifest, bool color) {
  const v1::DatabaseIdentity& database = manifest.database();
  std::vector<std::string> extensions;
  for (const v1::ExtensionFacts& extension : manifest.extensions()) {
    extensions.push_back(absl::StrCat(extension.name(), " ", extension.version()));
  }
  std::vector<Fact> facts = {
      {"Server", database.server_version()},
      {"Database", absl::StrCat(database.name(), ", oid ", database.oid(), ", system ", database.system_identifier())},
      {"Encoding",
       absl::StrCat(database.encoding(), ", collation ", database.collation(), ", ctype ", database.ctype())},
      {"Size in the server", FormatSize(database.size_bytes())},
      {"pg_dump", manifest.pg_dump_version()},
      {"Agent", absl::StrCat(manifest.agent(), ", version ", manifest.agent_version())},
      {"Extensions", absl::StrJoin(extensions, ", ")},
      {"Roles", absl::StrJoin(manifest.roles(), ", ")},
      {"Sequences", absl::StrCat(manifest.sequences_size())},
      {"Schema fingerprint", manifest.schema_fingerprint()}};
  return LayOutFacts(facts, color);
}

Table FileTable(const v1::Manifest& manifest) {
  Table table{{{"FILE"},
               {"CODEC"},
               {"ON DISK", Align::kRight},
               {"DECODED", Align::kRight},
               {"MEMBERS", Align::kRight},
               {"SHA-256 ON DISK", Align::kLeft, false, true}},
              {}};
  for (const v1::ArtifactFile& file : manifest.files()) {
    table.rows.push_back({file.name(), v1::Codec_Name(file.codec()), FormatSize(file.stored_bytes()),
                          FormatSize(file.plain_bytes()), CountText(file.member_count()), file.stored_sha256()});
  }
  return table;
}

Table LargestTables(const v1::Manifest& manifest, size_t limit) {
  std::vector<const v1::TableFacts*> tables;
  for (const v1::TableFacts& facts : manifest.tables()) tables.push_back(&facts);
  std::stable_sort(tables.begin(), tables.end(),
                   [](const auto* a, const auto* b) { return a->plain_bytes() > b->plain_bytes(); });
  if (tables.size() > limit) tables.resize(limit);
  Table table{{{"TABLE", Align::kLeft, false, true},
               {"ROWS", Align::kRight},
               {"BYTES", Align::kRight},
               {"CONTENT HASH", Align::kLeft, true}},
              {}};
  for (const v1::TableFacts* facts : tables) {
    table.rows.push_back({absl::StrCat(facts->schema(), ".", facts->name()), CountText(facts->row_count()),
                          FormatSize(facts->plain_bytes()), facts->content_hash()});
  }
  return table;
}

}  // namespace

Table BackupTable(const std::vector<v1::Backup>& backups, absl::Time now) {
  Table table{{{"BACKUP"},
               {"DATABASE", Align::kLeft, false, true},
               {"STATE"},
               {"VERIFIED"},
               {"AGE"},
               {"SIZE", Align::kRight},
               {"PLAIN", Align::kRight, true},
               {"ROWS", Align::kRight, true},
               {"TABLES", Align::kRight, true},
               {"POLICY", Align::kLeft},
               {"PATH", Align::kLeft, true},
               {"WHY", Align::kLeft, true, true}},
              {}};
  for (const v1::Backup& backup : backups) {
    table.rows.push_back(
        {ShortName(backup.name()), ShortName(backup.database()), StateCell(backup.state()),
         LevelText(backup.verification_level()), RelativeText(backup.has_snapshot_time(), backup.snapshot_time(), now),
         FormatSize(backup.size_bytes()), FormatSize(backup.plain_bytes()), CountText(backup.row_count()),
         CountText(backup.table_count()), ShortName(backup.policy()), backup.path(), backup.state_reason()});
  }
  return table;
}

bool IsGoing(const v1::Backup& backup) { return backup.state() == v1::DELETING || backup.state() == v1::DELETED; }

std::string HoldText(const v1::Backup& backup, absl::Time now) {
  const v1::BackupHold& hold = backup.hold();
  const std::string until =
      hold.has_expire_time() ? absl::StrCat("until ", TimeText(true, hold.expire_time(), now)) : "until it is released";
  return absl::StrCat(until, ", by ", ShortName(hold.owner()), ": ", CleanText(hold.reason()));
}

std::string DescribeBackup(const v1::Backup& backup, const std::vector<Fact>& future, const Output& output,
                           absl::Time now, size_t table_limit) {
  const bool color = output.options().color;
  std::vector<Fact> facts = {
      {"Backup", ShortName(backup.name())},
      {"Database", ShortName(backup.database())},
      {"State", StateCell(backup.state())},
      {"Verified", absl::StrCat(LevelText(backup.verification_level()), " ",
                                TimeText(backup.has_verify_time(), backup.verify_time(), now))},
      {"Restored", RestoredText(backup, now)},
      {"Snapshot", TimeText(backup.has_snapshot_time(), backup.snapshot_time(), now)},
      {"Slot", TimeText(backup.has_slot_time(), backup.slot_time(), now)},
      {"Policy", ShortName(backup.policy())},
      {"Run", ShortName(backup.run())},
      {"Size", SizeText(backup)},
      {"Rows", absl::StrCat(CountText(backup.row_count()), " in ", CountText(backup.table_count()), " tables")},
      {IsGoing(backup) ? "Path it had" : "Path on its host", backup.path()},
      {"Manifest SHA-256", backup.manifest_sha256()}};
  if (!backup.delete_reason().empty()) facts.push_back({"Why it goes", backup.delete_reason()});
  if (!backup.delete_run().empty()) {
    facts.push_back({"Removed by", absl::StrCat("run ", ShortName(backup.delete_run()))});
  }
  if (backup.has_delete_time()) facts.push_back({"Deleted", TimeText(true, backup.delete_time(), now)});
  if (backup.has_hold()) facts.push_back({"Held", HoldText(backup, now)});
  facts.insert(facts.end(), future.begin(), future.end());
  if (!backup.state_reason().empty()) {
    facts.insert(facts.begin() + 3, {"Why", {backup.state_reason(), StateCell(backup.state()).color}});
  }
  std::string out = LayOutFacts(facts, color);
  if (!backup.has_manifest()) return out;
  const v1::Manifest& manifest = backup.manifest();
  absl::StrAppend(&out, "\n", DescribeServer(manifest, color));
  if (manifest.files_size() > 0) absl::StrAppend(&out, "\n", output.Layout(FileTable(manifest)));
  if (manifest.tables_size() > 0 && table_limit > 0) {
    absl::StrAppend(&out, "\n", output.Layout(LargestTables(manifest, table_limit)));
    const size_t all = manifest.tables_size();
    if (all > table_limit) {
      absl::StrAppend(&out, "and ", all - table_limit, " smaller tables (--tables N shows more)\n");
    }
  }
  if (manifest.warnings_size() > 0) {
    absl::StrAppend(&out, "\n", output.Paint("Warnings of pg_dump", Color::kYellow), "\n");
  }
  for (const std::string& warning : manifest.warnings()) absl::StrAppend(&out, "  ", CleanText(warning), "\n");
  return out;
}

}  // namespace backup::ctl
