// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/artifact_manifest.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "agent/pipeline/job_failure.h"
#include "agent/pipeline/manifest_file.h"
#include "agent/pipeline/partial_directory.h"
#include "agent/pipeline/sha256_sums.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "base/x509.h"

namespace backup::agent {
namespace {

absl::Status Damaged(absl::string_view why) {
  return JobError(v1::CORRUPT, absl::StrCat(kManifestFile, ": ", why), "make a new backup; do not rely on this one");
}

std::string DirectoryName(absl::string_view path) {
  path = path.substr(path.rfind('/') + 1);  // npos + 1 is 0.
  absl::ConsumePrefix(&path, kPartialPrefix);
  return std::string(path);
}

}  // namespace

absl::StatusOr<ArtifactManifest> ReadArtifactManifest(const StoredDirectory& directory, const std::string& known_sha256,
                                                      bool drop_page_cache) {
  ArtifactManifest artifact;
  ASSIGN_OR_RETURN(const std::string text, directory.ReadWhole(kManifestFile, kMaxManifestBytes, drop_page_cache));
  artifact.sha256 = Sha256Hex(text);
  if (!known_sha256.empty() && known_sha256 != artifact.sha256) {
    return Damaged(absl::StrCat("it is not the one that the catalog knows: its SHA-256 is ", artifact.sha256, ", not ",
                                CleanText(known_sha256, 64)));
  }
  ASSIGN_OR_RETURN(const std::string sums_text, directory.ReadWhole(kSumsFile, 1 << 20, drop_page_cache));
  ASSIGN_OR_RETURN(artifact.sums, ParseSums(sums_text));
  if (const auto sum = artifact.sums.find(kManifestFile);
      sum == artifact.sums.end() || sum->second != artifact.sha256) {
    return Damaged(absl::StrCat("its SHA-256 is not the one in ", kSumsFile));
  }
  ASSIGN_OR_RETURN(artifact.manifest, ParseManifest(text));
  if (const std::string name = DirectoryName(directory.path()); artifact.manifest.backup_id() != name) {
    return JobError(v1::CORRUPT,
                    absl::StrCat(kManifestFile, ": it is that of backup ", artifact.manifest.backup_id(),
                                 ", but its directory is called ", CleanText(name, 200)),
                    absl::StrCat("if somebody renamed the directory, call it ", artifact.manifest.backup_id(),
                                 " again; else files of two backups were mixed up"));
  }
  return artifact;
}

std::string ArtifactPath(std::string path) {
  while (path.size() > 1 && path.back() == '/') {
    path.pop_back();  // With it, O_NOFOLLOW would follow.
  }
  return path;
}

}  // namespace backup::agent
