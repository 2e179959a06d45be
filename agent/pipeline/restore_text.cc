// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/restore_text.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "agent/pipeline/database_properties.h"
#include "agent/pipeline/manifest_file.h"
#include "base/proto_json.h"
#include "base/text.h"
#include "base/units.h"

namespace backup::agent {
namespace {

// Whether a server's word may stand in a command line as it is.
bool IsPlainWord(const std::string& word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
    return absl::ascii_isalnum(c) || c == '_' || c == '.' || c == '-' || c == '@';
  }) && word.front() != '-';
}

std::string Decode(const v1::ArtifactFile& file) {
  const char* const program = file.codec() == v1::GZIP ? "gunzip -c " : file.codec() == v1::ZSTD ? "zstd -dc " : "cat ";
  return absl::StrCat(program, file.name());
}

}  // namespace

std::string FormatRestoreText(const v1::Manifest& manifest) {
  const v1::DatabaseIdentity& database = manifest.database();
  std::string createdb = "createdb -T template0";
  if (IsPlainWord(database.encoding())) {
    absl::StrAppend(&createdb, " -E ", database.encoding());
  }
  std::string text =
      absl::StrCat("Backup ", manifest.backup_id(), " of PostgreSQL database \"", CleanText(database.name(), 300),
                   "\",\n", "as it was at ", FormatRfc3339(ToAbsl(manifest.snapshot_time())), ", from server version ",
                   CleanText(database.server_version(), 100),
                   ".\nHow to restore it with PostgreSQL's own programs; nothing else is needed.\n\n");
  absl::StrAppend(
      &text,
      "A dump is a program that psql runs: restore only what you trust. psql must be of version 14.19, 15.14,\n"
      "16.10, 17.6 or newer: older ones stop at the line \\restrict. Give the commands in this directory, as a\n"
      "role that may create databases; set PGHOST, PGPORT and PGUSER as for any other PostgreSQL program.\n\n");
  absl::StrAppend(&text, "1. Is every byte as it was written?\n\n    sha256sum -c SHA256SUMS\n\n");
  int step = 2;
  if (const v1::ArtifactFile* globals = FindGlobalsFile(manifest); globals != nullptr) {
    absl::StrAppend(
        &text, step++, ". On a new server: roles, memberships and settings. Passwords are not in it. Errors about\n",
        "   roles that exist already do no harm.\n\n    ", Decode(*globals), " | psql -X -q -d postgres\n\n");
  }
  absl::StrAppend(&text, step++, ". A new, empty database.\n\n    ", createdb, " restored\n\n");
  if (IsPlainWord(database.collation()) && IsPlainWord(database.ctype())) {
    absl::StrAppend(&text,
                    "   To sort as the original did (the server's system must know the locale), give createdb also\n   "
                    "--lc-collate=",
                    database.collation(), " --lc-ctype=", database.ctype(), "\n\n");
  }
  absl::StrAppend(&text, step++,
                  ". The data. psql stops at the first error; its exit code alone proves nothing.\n\n    ",
                  Decode(*FindDumpFile(manifest)), " | psql -X -q -v ON_ERROR_STOP=1 -d restored\n\n");
  const bool has_properties = std::any_of(manifest.files().begin(), manifest.files().end(),
                                          [](const v1::ArtifactFile& file) { return file.name() == kPropertiesFile; });
  if (has_properties) {
    absl::StrAppend(
        &text, step++,
        ". What is the database's own, and in no dump: give it the owner, the privileges and the settings\n",
        "   that ", kPropertiesFile, " names.\n\n");
  }
  absl::StrAppend(
      &text, step,
      ". Compare the rows of each table with \"rowCount\" in manifest.json, then give the database its name:\n",
      "\n       ALTER DATABASE restored RENAME TO ...\n\n", step + 1,
      ". Statistics for the planner.\n\n    vacuumdb -Z -q -d restored\n");
  return text;
}

}  // namespace backup::agent
