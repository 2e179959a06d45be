// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/stored_text.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "agent/pipeline/encoder.h"
#include "agent/pipeline/gzi_index.h"
#include "agent/pipeline/job_failure.h"
#include "agent/pipeline/manifest_file.h"
#include "agent/pipeline/member_coder.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/x509.h"

namespace backup::agent {

absl::StatusOr<StoredText> StoredText::Open(const std::string& artifact_directory, const v1::Manifest& manifest) {
  ASSIGN_OR_RETURN(StoredDirectory directory, StoredDirectory::Open(artifact_directory));
  StoredText text(std::move(directory), *FindDumpFile(manifest));
  RETURN_IF_ERROR(MakeMemberDecoder(text.file_.codec()).status());
  const v1::ArtifactFile* const index = FindIndexFile(manifest);
  if (index == nullptr) {
    for (int64_t offset = 0; offset < text.file_.plain_bytes(); offset += kMemberPlainBytes) {
      text.members_.push_back({offset, offset});
    }
    return text;
  }
  ASSIGN_OR_RETURN(const std::string bytes,
                   text.directory_.ReadWhole(index->name(), static_cast<size_t>(index->stored_bytes()), false));
  if (Sha256Hex(bytes) != index->stored_sha256()) {
    return JobError(v1::CORRUPT, absl::StrCat(index->name(), ": its SHA-256 is not the one in the manifest"));
  }
  ASSIGN_OR_RETURN(text.members_, ParseGziIndex(bytes));
  for (size_t i = 0; i < text.members_.size(); ++i) {
    const MemberOffset begin = text.OffsetOf(i);
    const MemberOffset end = text.OffsetOf(i + 1);
    if (end.stored <= begin.stored || end.plain < begin.plain ||
        end.plain - begin.plain > static_cast<int64_t>(kMaxMemberPlainBytes)) {
      return JobError(v1::CORRUPT, absl::StrCat(index->name(), ": it cannot be right about member ", i + 1));
    }
  }
  return text;
}

MemberOffset StoredText::OffsetOf(size_t number) const {
  return number < members_.size() ? members_[number] : MemberOffset{file_.stored_bytes(), file_.plain_bytes()};
}

absl::Status StoredText::Read(int64_t begin, int64_t end, Cancellation& cancellation, ByteSink& sink) const {
  ASSIGN_OR_RETURN(const std::unique_ptr<MemberDecoder> decoder, MakeMemberDecoder(file_.codec()));
  const auto after = std::upper_bound(members_.begin(), members_.end(), begin,
                                      [](int64_t offset, const MemberOffset& member) { return offset < member.plain; });
  Block block;
  for (size_t number = static_cast<size_t>(after - members_.begin()) - (after == members_.begin() ? 0 : 1);
       number < members_.size() && members_[number].plain < end; ++number) {
    if (cancellation.cancelled()) {
      return JobError(v1::CANCELLED_BY_USER, absl::StrCat("cancelled: ", cancellation.reason()));
    }
    const MemberOffset from = OffsetOf(number);
    const MemberOffset to = OffsetOf(number + 1);
    block.stored_size = static_cast<size_t>(to.stored - from.stored);
    block.stored.resize(std::max(block.stored.size(), block.stored_size));
    block.plain_size = static_cast<size_t>(to.plain - from.plain);
    RETURN_IF_ERROR(directory_.ReadAt(file_.name(), from.stored, block.stored.data(), block.stored_size));
    if (const absl::Status decoded = decoder->Decode(block); !decoded.ok()) {
      return Annotate(decoded, absl::StrCat(file_.name(), ": at offset ", from.stored));
    }
    const int64_t first = std::max(begin, from.plain) - from.plain;
    const int64_t last = std::min(end, to.plain) - from.plain;
    if (first < last) {
      RETURN_IF_ERROR(
          sink.Write(block.plain_text().substr(static_cast<size_t>(first), static_cast<size_t>(last - first))));
    }
  }
  return absl::OkStatus();
}

}  // namespace backup::agent
