// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/restore_source.h"

#include <utility>

#include "agent/pipeline/artifact_manifest.h"
#include "agent/pipeline/database_properties.h"
#include "agent/pipeline/dump_statements.h"
#include "agent/pipeline/manifest_file.h"
#include "agent/pipeline/stored_directory.h"
#include "agent/pipeline/stored_text.h"
#include "agent/pipeline/table_rows.h"
#include "base/status_macros.h"

namespace backup::agent {
namespace {

// The text between the tables too: it is all needed.
absl::Status ReadChosen(const RestoreRequest& request, const RestoreSource& source, Cancellation& cancellation) {
  ASSIGN_OR_RETURN(const StoredText text, StoredText::Open(request.artifact_directory, source.manifest));
  StatementReader statements([](const DumpStatement&) { return absl::OkStatus(); });
  int64_t position = 0;
  for (int i = 0; i < source.manifest.tables_size(); ++i) {
    const v1::TableFacts& table = source.manifest.tables(i);
    RETURN_IF_ERROR(text.Read(position, table.plain_offset(), cancellation, statements));
    position = table.plain_offset() + table.plain_bytes();
    if (source.choice.Has(static_cast<size_t>(i))) {
      TableRows rows;
      RETURN_IF_ERROR(text.Read(table.plain_offset(), position, cancellation, rows));
      RETURN_IF_ERROR(rows.Compare(table));
    }
  }
  RETURN_IF_ERROR(text.Read(position, text.plain_bytes(), cancellation, statements));
  return statements.Finish();
}

absl::Status ReadArtifact(const RestoreRequest& request, SourceCheck check, Clock& clock, JobObserver& observer,
                          Cancellation& cancellation, RestoreSource& source) {
  if (!request.tables.empty() || !request.schemas.empty()) {
    ASSIGN_OR_RETURN(const StoredDirectory directory, StoredDirectory::Open(ArtifactPath(request.artifact_directory)));
    ASSIGN_OR_RETURN(ArtifactManifest artifact,
                     ReadArtifactManifest(directory, request.manifest_sha256, /*drop_page_cache=*/false));
    source.manifest = std::move(artifact.manifest);
    ASSIGN_OR_RETURN(source.choice, TableChoice::Of(source.manifest, request.tables, request.schemas));
    if (FindIndexFile(source.manifest) != nullptr) {
      return check == SourceCheck::kEverything ? ReadChosen(request, source, cancellation) : absl::OkStatus();
    }
  }
  VerifyRequest verify;
  verify.artifact_directory = request.artifact_directory;
  verify.manifest_sha256 = request.manifest_sha256;
  verify.drop_page_cache = false;
  verify.stored_bytes_only = check == SourceCheck::kStoredBytes;
  ASSIGN_OR_RETURN(VerifyOutcome verified, VerifyArtifact(verify, clock, observer, cancellation));
  source.manifest = std::move(verified.manifest);
  observer.OnLog("the artifact is whole");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<RestoreSource> OpenRestoreSource(const RestoreRequest& request, SourceCheck check, Clock& clock,
                                                JobObserver& observer, Cancellation& cancellation) {
  RestoreSource source;
  RETURN_IF_ERROR(ReadArtifact(request, check, clock, observer, cancellation, source));
  ASSIGN_OR_RETURN(const StoredDirectory directory, StoredDirectory::Open(ArtifactPath(request.artifact_directory)));
  ASSIGN_OR_RETURN(source.properties, LoadDatabaseProperties(directory, source.manifest));
  for (int i = 0; i < source.manifest.tables_size(); ++i) {
    if (source.choice.Has(static_cast<size_t>(i))) {
      ++source.table_count;
      source.row_count += source.manifest.tables(i).row_count();
      source.plain_bytes += source.manifest.tables(i).plain_bytes();
    }
  }
  return source;
}

}  // namespace backup::agent
