// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace backup {

// A source of random bits, passed to whatever needs them, so that tests can repeat. Thread-safe.
class Random {
 public:
  virtual ~Random() = default;
  // Uniform over all values.
  virtual uint64_t Next() = 0;
  // The kernel's; fit for secrets. Lives for ever.
  static Random& Real();
};

// `size` random bytes.
std::string RandomBytes(Random& random, size_t size);
// Ten characters of Crockford's base32 in lower case (50 bits): ids of runs, attempts and boots.
std::string NewId(Random& random);
// `20261123T220000Z-7k3m9q2x4d`: the time in UTC, then `suffix`, usually the run's id.
std::string MakeBackupId(absl::Time start, absl::string_view suffix);

}  // namespace backup
