// SPDX-License-Identifier: Apache-2.0
#include "agent/command_summary.h"

#include <cstdlib>
#include <ostream>

#include "absl/strings/ascii.h"
#include "absl/time/time.h"
#include "agent/pipeline/manifest_file.h"
#include "base/proto_json.h"
#include "base/text.h"
#include "base/units.h"

namespace backup::agent {

void PrintArtifactSummary(const v1::Manifest& manifest, const std::string& path, absl::Duration verify_duration,
                          std::ostream& out) {
  const v1::DatabaseIdentity& database = manifest.database();
  const v1::ArtifactFile& dump = *FindDumpFile(manifest);
  out << "backup    " << manifest.backup_id() << "\n";
  out << "database  " << CleanText(database.name(), 300) << " (PostgreSQL " << CleanText(database.server_version(), 100)
      << ", " << FormatSize(database.size_bytes()) << ")\n";
  out << "snapshot  " << FormatRfc3339(ToAbsl(manifest.snapshot_time())) << "\n";
  out << "tables    " << manifest.tables_size() << " with " << TotalRows(manifest) << " rows\n";
  out << "dump      " << FormatSize(dump.plain_bytes()) << " of text, stored as " << FormatSize(dump.stored_bytes())
      << " (" << absl::AsciiStrToLower(v1::Codec_Name(dump.codec())) << ")\n";
  out << "globals   ";
  if (FindGlobalsFile(manifest) != nullptr) {
    out << manifest.roles_size() << " roles\n";
  } else {
    out << "none\n";
  }
  out << "verified  every byte read back in "
      << absl::FormatDuration(absl::Trunc(verify_duration, absl::Milliseconds(1)))
      << "; hashes, rows and the dump's last line agree\n";
  if (manifest.warnings_size() > 0) {
    out << "warnings  " << manifest.warnings_size() << ", in manifest.json\n";
  }
  out << "path      " << CleanText(path) << "\n";
}

std::string RepositoryOrDefault(const std::string& given) {
  if (!given.empty()) {
    return given;
  }
  const char* directory = std::getenv("BACKUP_DIR");
  return directory == nullptr || *directory == '\0' ? "/backups" : directory;
}

}  // namespace backup::agent
