// SPDX-License-Identifier: Apache-2.0
#include "base/random.h"

#include <errno.h>
#include <sys/random.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace backup {
namespace {

class KernelRandom : public Random {
 public:
  uint64_t Next() override {
    uint64_t value = 0;
    // Up to 256 bytes are never cut short; only before the pool's first seeding can a signal interrupt.
    while (getrandom(&value, sizeof(value), 0) != static_cast<ssize_t>(sizeof(value))) {
      if (errno != EINTR) std::abort();
    }
    return value;
  }
};

}  // namespace

Random& Random::Real() {
  static KernelRandom* const random = new KernelRandom;
  return *random;
}

std::string RandomBytes(Random& random, size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; i += sizeof(uint64_t)) {
    const uint64_t value = random.Next();
    std::memcpy(&bytes[i], &value, std::min(sizeof(value), size - i));
  }
  return bytes;
}

std::string NewId(Random& random) {
  constexpr char kAlphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";
  uint64_t value = random.Next();
  std::string id;
  for (int i = 0; i < 10; ++i, value >>= 5) id.push_back(kAlphabet[value & 31]);
  return id;
}

std::string MakeBackupId(absl::Time start, absl::string_view suffix) {
  return absl::StrCat(absl::FormatTime("%Y%m%dT%H%M%SZ", start, absl::UTCTimeZone()), "-", suffix);
}

}  // namespace backup
