// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/pipeline/decoder.h"

namespace backup::agent {

// Members as they come in a stream, without an index to cut them by; decoded by zlib: another implementation than the
// one that encoded, so that no fault of one hides itself. Refuses what gunzip would pass over: a changed header, bytes
// between or after members, an unfinished last one.
class GzipDecoder : public Decoder {
 public:
  GzipDecoder(int64_t max_plain_bytes, ByteSink* output);
  ~GzipDecoder() override;

  absl::Status Write(absl::string_view bytes) override;
  absl::Status Finish() override;
  const std::vector<MemberOffset>& members() const override { return members_; }
  int64_t plain_bytes() const override { return plain_bytes_; }

 private:
  absl::Status CheckHeader(absl::string_view* bytes);
  absl::Status Inflate(absl::string_view* bytes);
  absl::Status Corrupt(absl::string_view why) const;

  struct Stream;
  const std::unique_ptr<Stream> stream_;
  const int64_t max_plain_bytes_;
  ByteSink* const output_;
  std::vector<MemberOffset> members_;
  size_t header_bytes_ = 0;  // Of the current member's header seen so far.
  int64_t stored_bytes_ = 0;
  int64_t plain_bytes_ = 0;
};

}  // namespace backup::agent
