// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/verify_facts.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "agent/pipeline/dump_facts.h"
#include "agent/pipeline/job_failure.h"
#include "agent/pipeline/manifest_file.h"

namespace backup::agent {
namespace {

absl::Status Differ(absl::string_view why) {
  return JobError(v1::CORRUPT, absl::StrCat("the dump is not the one of its manifest: ", why),
                  "make a new backup; do not rely on this one");
}

}  // namespace

absl::Status CompareDumpFacts(const v1::Manifest& manifest, const DumpFacts& found) {
  const size_t count = std::min<size_t>(manifest.tables_size(), found.tables.size());
  for (size_t i = 0; i < count; ++i) {
    const v1::TableFacts& expected = manifest.tables(static_cast<int>(i));
    const v1::TableFacts& table = found.tables[i];
    const std::string place =
        absl::StrCat("table ", TableLabel(expected), " at plain offset ", expected.plain_offset());
    if (table.schema() != expected.schema() || table.name() != expected.name() ||
        table.plain_offset() != expected.plain_offset()) {
      return Differ(
          absl::StrCat("expected ", place, ", found table ", TableLabel(table), " at ", table.plain_offset()));
    }
    if (table.row_count() != expected.row_count() || table.plain_bytes() != expected.plain_bytes()) {
      return Differ(absl::StrCat(place, " has ", table.row_count(), " rows in ", table.plain_bytes(), " bytes, not ",
                                 expected.row_count(), " in ", expected.plain_bytes()));
    }
    if (table.content_hash() != expected.content_hash()) {
      return Differ(absl::StrCat(place, " has other rows: the content hash differs"));
    }
  }
  if (found.tables.size() != static_cast<size_t>(manifest.tables_size())) {
    return Differ(absl::StrCat("it has ", found.tables.size(), " tables with data, not ", manifest.tables_size()));
  }
  const auto same_sequence = [](const v1::SequenceFacts& a, const v1::SequenceFacts& b) {
    return a.schema() == b.schema() && a.name() == b.name() && a.last_value() == b.last_value() &&
           a.is_called() == b.is_called();
  };
  if (!std::equal(found.sequences.begin(), found.sequences.end(), manifest.sequences().begin(),
                  manifest.sequences().end(), same_sequence)) {
    return Differ("the sequences or their values differ");
  }
  if (found.SchemaFingerprint() != manifest.schema_fingerprint()) {
    return Differ("the schema's fingerprint differs");
  }
  return absl::OkStatus();
}

absl::Status CompareGlobalsFacts(const v1::Manifest& manifest, const DumpFacts& found) {
  if (!std::equal(found.roles.begin(), found.roles.end(), manifest.roles().begin(), manifest.roles().end())) {
    return Differ("the roles of the globals differ");
  }
  return absl::OkStatus();
}

}  // namespace backup::agent
