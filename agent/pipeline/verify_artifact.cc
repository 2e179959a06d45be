// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "agent/pipeline/artifact_manifest.h"
#include "agent/pipeline/dump_scanner.h"
#include "agent/pipeline/gzi_index.h"
#include "agent/pipeline/job.h"
#include "agent/pipeline/job_failure.h"
#include "agent/pipeline/manifest_file.h"
#include "agent/pipeline/progress_meter.h"
#include "agent/pipeline/sha256_sums.h"
#include "agent/pipeline/stored_directory.h"
#include "agent/pipeline/verify_facts.h"
#include "agent/pipeline/verify_file.h"
#include "agent/pipeline/verify_members.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "base/x509.h"

namespace backup::agent {
namespace {

constexpr int kMaxDecodingThreads = 4;
constexpr char kHint[] = "make a new backup; do not rely on this one";

// Feeds decoded text to a scanner.
class ScannerSink : public ByteSink {
 public:
  explicit ScannerSink(DumpScanner::Kind kind) : scanner(kind) {}
  absl::Status Write(absl::string_view bytes) override { return scanner.Write(bytes); }
  absl::Status Finish() override { return absl::OkStatus(); }
  DumpScanner scanner;
};

// Text that was whole when it was stored and is not now was damaged since.
absl::Status AsCorrupt(const absl::Status& status, absl::string_view file) {
  if (ErrorReason(status) != v1::FailureCause_Name(v1::INCOMPLETE)) {
    return status;
  }
  return JobError(v1::CORRUPT, absl::StrCat(file, ": ", std::string(status.message())), kHint);
}

class ArtifactVerifier {
 public:
  ArtifactVerifier(const VerifyRequest& request, StoredDirectory directory, ProgressMeter& progress,
                   Cancellation& cancellation)
      : request_(request), directory_(std::move(directory)), progress_(progress), cancellation_(cancellation) {}

  absl::Status Run() {
    RETURN_IF_ERROR(ReadManifest());
    RETURN_IF_ERROR(CheckNames());
    progress_.SetEstimate(FindDumpFile(manifest_)->plain_bytes(), manifest_.tables_size());
    progress_.SetPhase(v1::VERIFYING);
    for (const v1::ArtifactFile& file : manifest_.files()) {
      if (&file == FindDumpFile(manifest_)) {
        RETURN_IF_ERROR(VerifyDump(file));
      } else if (&file == FindGlobalsFile(manifest_)) {
        RETURN_IF_ERROR(VerifyGlobals(file));
      } else {
        RETURN_IF_ERROR(VerifyStoredFile(directory_, file, Options(), cancellation_, nullptr).status());
      }
    }
    return absl::OkStatus();
  }

  v1::Manifest TakeManifest() { return std::move(manifest_); }
  const std::string& manifest_sha256() const { return manifest_sha256_; }

 private:
  VerifyFileOptions Options() const {
    VerifyFileOptions options;
    options.drop_page_cache = request_.drop_page_cache;
    options.thread_count = std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, kMaxDecodingThreads);
    return options;
  }

  absl::Status ReadManifest() {
    ASSIGN_OR_RETURN(ArtifactManifest artifact,
                     ReadArtifactManifest(directory_, request_.manifest_sha256, request_.drop_page_cache));
    manifest_ = std::move(artifact.manifest);
    manifest_sha256_ = std::move(artifact.sha256);
    sums_ = std::move(artifact.sums);
    return absl::OkStatus();
  }

  // Exactly the files of the manifest are there, and the sums say of each what the manifest says.
  absl::Status CheckNames() const {
    std::set<std::string> expected = {kManifestFile, kSumsFile};
    for (const v1::ArtifactFile& file : manifest_.files()) {
      expected.insert(file.name());
      auto sum = sums_.find(file.name());
      if (sum == sums_.end() || sum->second != file.stored_sha256()) {
        return JobError(v1::CORRUPT, absl::StrCat(kSumsFile, ": it does not agree with the manifest on ", file.name()),
                        kHint);
      }
    }
    for (const auto& [name, sum] : sums_) {
      if (!expected.contains(name)) {
        return JobError(v1::CORRUPT,
                        absl::StrCat(kSumsFile, ": it names ", CleanText(name, 100), ", which the manifest does not"),
                        kHint);
      }
    }
    ASSIGN_OR_RETURN(std::vector<std::string> names, directory_.Names());
    for (const std::string& name : names) {
      if (!expected.contains(name)) {
        return JobError(v1::CORRUPT, absl::StrCat(CleanText(name, 300), ": a file that does not belong to this backup"),
                        kHint);
      }
    }
    return absl::OkStatus();
  }

  absl::Status VerifyDump(const v1::ArtifactFile& file) {
    if (request_.stored_bytes_only) {
      ASSIGN_OR_RETURN(const bool is_as_written, HasStoredBytes(directory_, file, Options(), cancellation_));
      if (is_as_written) {
        return absl::OkStatus();
      }
      // Reading it all says where the damage is.
    }
    ScannerSink sink(DumpScanner::Kind::kDatabase);
    VerifyFileOptions options = Options();
    options.on_progress = [&](int64_t plain_bytes, int64_t stored_bytes) {
      if (progress_.IsDue()) {
        progress_.Update(plain_bytes, stored_bytes, sink.scanner.row_count(), sink.scanner.tables_done());
      }
    };
    if (const v1::ArtifactFile* index_file = FindIndexFile(manifest_); index_file != nullptr) {
      ASSIGN_OR_RETURN(const std::vector<MemberOffset> index, ReadIndex(*index_file));
      RETURN_IF_ERROR(AsCorrupt(VerifyMembers(directory_, file, index, options, cancellation_, sink), file.name()));
    } else {
      const absl::Status read = VerifyStoredFile(directory_, file, options, cancellation_, &sink).status();
      if (ErrorReason(read) == v1::FailureCause_Name(v1::CORRUPT)) {
        // Nothing but the hash shows the damage; the tables' own hashes may tell where it is.
        if (absl::StatusOr<DumpFacts> damaged = sink.scanner.Finish(); damaged.ok()) {
          RETURN_IF_ERROR(Annotate(CompareDumpFacts(manifest_, *damaged), file.name()));
        }
      }
      RETURN_IF_ERROR(AsCorrupt(read, file.name()));
    }
    progress_.Update(file.plain_bytes(), file.stored_bytes(), sink.scanner.row_count(), sink.scanner.tables_done());
    absl::StatusOr<DumpFacts> facts = sink.scanner.Finish();
    RETURN_IF_ERROR(AsCorrupt(facts.status(), file.name()));
    return CompareDumpFacts(manifest_, *facts);
  }

  absl::StatusOr<std::vector<MemberOffset>> ReadIndex(const v1::ArtifactFile& file) const {
    ASSIGN_OR_RETURN(
        const std::string bytes,
        directory_.ReadWhole(file.name(), static_cast<size_t>(file.stored_bytes()), request_.drop_page_cache));
    absl::StatusOr<std::vector<MemberOffset>> index = ParseGziIndex(bytes);
    if (!index.ok()) {
      return Annotate(index.status(), file.name());
    }
    // What the dump is read by must be what was written, or the dump would take the blame.
    if (Sha256Hex(bytes) != file.stored_sha256()) {
      return JobError(v1::CORRUPT,
                      absl::StrCat(file.name(), ": the SHA-256 differs, somewhere from offset 0 to ", bytes.size()),
                      kHint);
    }
    return index;
  }

  absl::Status VerifyGlobals(const v1::ArtifactFile& file) {
    ScannerSink sink(DumpScanner::Kind::kGlobals);
    RETURN_IF_ERROR(
        AsCorrupt(VerifyStoredFile(directory_, file, Options(), cancellation_, &sink).status(), file.name()));
    absl::StatusOr<DumpFacts> facts = sink.scanner.Finish();
    RETURN_IF_ERROR(AsCorrupt(facts.status(), file.name()));
    return CompareGlobalsFacts(manifest_, *facts);
  }

  const VerifyRequest& request_;
  const StoredDirectory directory_;
  ProgressMeter& progress_;
  Cancellation& cancellation_;
  std::map<std::string, std::string> sums_;
  v1::Manifest manifest_;
  std::string manifest_sha256_;
};

}  // namespace

absl::StatusOr<VerifyOutcome> VerifyArtifact(const VerifyRequest& request, Clock& clock, JobObserver& observer,
                                             Cancellation& cancellation) {
  const absl::Duration begin = clock.Monotonic();
  ASSIGN_OR_RETURN(StoredDirectory directory, StoredDirectory::Open(ArtifactPath(request.artifact_directory)));
  ProgressMeter progress(observer, clock);
  ArtifactVerifier verifier(request, std::move(directory), progress, cancellation);
  RETURN_IF_ERROR(verifier.Run());
  VerifyOutcome outcome;
  outcome.manifest_sha256 = verifier.manifest_sha256();
  outcome.manifest = verifier.TakeManifest();
  outcome.verify_time = clock.Now();
  outcome.verify_duration = clock.Monotonic() - begin;
  return outcome;
}

}  // namespace backup::agent
