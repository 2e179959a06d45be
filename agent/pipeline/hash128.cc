// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/hash128.h"

#include <xxhash.h>

#include "absl/strings/str_format.h"

namespace backup::agent {
namespace {

void AppendBigEndian(uint64_t value, std::string* bytes) {
  for (int shift = 56; shift >= 0; shift -= 8) {
    *bytes += static_cast<char>(value >> shift);
  }
}

}  // namespace

Hash128 HashOf(absl::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.high64, hash.low64};
}

std::string ToHex(const Hash128& hash) { return absl::StrFormat("%016x%016x", hash.high, hash.low); }

Hash128 HashOfMembers(const std::vector<Hash128>& members) {
  std::string bytes;
  bytes.reserve(16 * members.size());
  for (const Hash128& member : members) {
    AppendBigEndian(member.high, &bytes);
    AppendBigEndian(member.low, &bytes);
  }
  return HashOf(bytes);
}

void Hasher128::FreeState::operator()(XXH3_state_s* state) const { XXH3_freeState(state); }

Hasher128::Hasher128() : state_(XXH3_createState()) { Reset(); }

void Hasher128::Reset() { XXH3_128bits_reset(state_.get()); }

void Hasher128::Update(absl::string_view bytes) { XXH3_128bits_update(state_.get(), bytes.data(), bytes.size()); }

Hash128 Hasher128::Digest() const {
  const XXH128_hash_t hash = XXH3_128bits_digest(state_.get());
  return {hash.high64, hash.low64};
}

}  // namespace backup::agent
