// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

struct XXH3_state_s;

namespace backup::agent {

// An XXH3-128. Finds damage, not an attacker: SHA-256 is for that.
struct Hash128 {
  uint64_t high = 0;
  uint64_t low = 0;
  bool operator==(const Hash128&) const = default;
};

Hash128 HashOf(absl::string_view bytes);

// 32 lower-case hex digits.
std::string ToHex(const Hash128& hash);

// The hash of a file's whole text, as in the manifest: its members can be hashed on different threads and in any order.
// XXH3-128 of the members' hashes in the order of the file, 16 big-endian bytes each.
Hash128 HashOfMembers(const std::vector<Hash128>& members);

// The same of bytes that come in pieces.
class Hasher128 {
 public:
  Hasher128();
  void Reset();
  void Update(absl::string_view bytes);
  // Of all since Reset.
  Hash128 Digest() const;

 private:
  struct FreeState {
    void operator()(XXH3_state_s* state) const;
  };
  std::unique_ptr<XXH3_state_s, FreeState> state_;
};

}  // namespace backup::agent
