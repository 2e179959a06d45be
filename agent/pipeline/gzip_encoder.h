// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/pipeline/stages.h"

namespace backup::agent {

// Gzip members (RFC 1952) through ISA-L, each of about kMemberPlainBytes of plain text. To gunzip, the file is one.
class GzipEncoder : public Encoder {
 public:
  // `level` 1 to 3, as ISA-L counts. Borrows `output`.
  GzipEncoder(int level, ByteSink* output);
  ~GzipEncoder() override;

  absl::Status Write(absl::string_view bytes) override;
  // An empty input gives one empty member.
  absl::Status Finish() override;
  absl::Status StartMember() override;
  const std::vector<MemberOffset>& members() const override { return members_; }
  int64_t plain_bytes() const override { return plain_bytes_; }
  int64_t stored_bytes() const override { return stored_bytes_; }

 private:
  absl::Status Compress(absl::string_view bytes, bool end_of_member);

  struct Stream;  // Keeps ISA-L's 80 kB structure and its macros out of here.
  const std::unique_ptr<Stream> stream_;
  ByteSink* const output_;
  std::vector<MemberOffset> members_;
  bool member_open_ = false;
  int64_t member_plain_bytes_ = 0;
  int64_t plain_bytes_ = 0;
  int64_t stored_bytes_ = 0;
};

}  // namespace backup::agent
