// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/restore_source.h"

#include <utility>

#include "agent/pipeline/artifact_manifest.h"
#include "agent/pipeline/manifest_file.h"
#include "agent/pipeline/stored_directory.h"
#include "base/status_macros.h"

namespace backup::agent {
namespace {

absl::Status ReadArtifact(const RestoreRequest& request, Clock& clock, JobObserver& observer,
                          Cancellation& cancellation, RestoreSource& source) {
  if (!request.tables.empty() || !request.schemas.empty()) {
    ASSIGN_OR_RETURN(const StoredDirectory directory, StoredDirectory::Open(ArtifactPath(request.artifact_directory)));
    ASSIGN_OR_RETURN(ArtifactManifest artifact,
                     ReadArtifactManifest(directory, request.manifest_sha256, /*drop_page_cache=*/false));
    source.manifest = std::move(artifact.manifest);
    ASSIGN_OR_RETURN(source.choice, TableChoice::Of(source.manifest, request.tables, request.schemas));
    if (FindIndexFile(source.manifest) != nullptr) {
      return absl::OkStatus();
    }
  }
  const VerifyRequest verify = {request.artifact_directory, request.manifest_sha256, /*drop_page_cache=*/false};
  ASSIGN_OR_RETURN(VerifyOutcome verified, VerifyArtifact(verify, clock, observer, cancellation));
  source.manifest = std::move(verified.manifest);
  observer.OnLog("the artifact is whole");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<RestoreSource> OpenRestoreSource(const RestoreRequest& request, Clock& clock, JobObserver& observer,
                                                Cancellation& cancellation) {
  RestoreSource source;
  RETURN_IF_ERROR(ReadArtifact(request, clock, observer, cancellation, source));
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
