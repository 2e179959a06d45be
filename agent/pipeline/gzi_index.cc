// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/gzi_index.h"

#include "absl/strings/str_cat.h"
#include "agent/pipeline/job_failure.h"

namespace backup::agent {
namespace {

void Append(uint64_t value, std::string* bytes) {
  for (int shift = 0; shift < 64; shift += 8) {
    *bytes += static_cast<char>(value >> shift);
  }
}

uint64_t Load(absl::string_view bytes, size_t position) {
  uint64_t value = 0;
  for (int i = 7; i >= 0; --i) {
    value = value << 8 | static_cast<unsigned char>(bytes[position + i]);
  }
  return value;
}

}  // namespace

std::string FormatGziIndex(const std::vector<MemberOffset>& members) {
  std::string bytes;
  bytes.reserve(8 + 16 * members.size());
  Append(members.empty() ? 0 : members.size() - 1, &bytes);
  for (size_t i = 1; i < members.size(); ++i) {
    Append(static_cast<uint64_t>(members[i].stored), &bytes);
    Append(static_cast<uint64_t>(members[i].plain), &bytes);
  }
  return bytes;
}

absl::StatusOr<std::vector<MemberOffset>> ParseGziIndex(absl::string_view bytes) {
  if (bytes.size() < 8 || (bytes.size() - 8) % 16 != 0 || Load(bytes, 0) != (bytes.size() - 8) / 16) {
    return JobError(v1::CORRUPT, absl::StrCat("at offset 0: the count of the index does not agree with its ",
                                              bytes.size(), " bytes"));
  }
  std::vector<MemberOffset> members = {{0, 0}};
  for (size_t position = 8; position < bytes.size(); position += 16) {
    const MemberOffset member = {static_cast<int64_t>(Load(bytes, position)),
                                 static_cast<int64_t>(Load(bytes, position + 8))};
    if (member.stored <= members.back().stored || member.plain < members.back().plain) {
      return JobError(v1::CORRUPT, absl::StrCat("at offset ", position, ": the offsets of the index do not grow"));
    }
    members.push_back(member);
  }
  return members;
}

}  // namespace backup::agent
