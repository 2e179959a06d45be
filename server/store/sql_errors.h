// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>

#include "absl/status/status.h"

namespace backup::server {

// What an exception of libpqxx means for the work that it interrupted.
enum class SqlTrouble {
  kConnectionLost,  // Nothing of the transaction stays; another connection may do it.
  kConflict,        // Serialization failure or deadlock: the same may succeed when tried again.
  kInDoubt,         // Lost between COMMIT and its answer.
  kOther,           // The status says it.
};

struct SqlFailure {
  SqlTrouble trouble;
  // UNAVAILABLE CATALOG_UNAVAILABLE for what passes: catalog away, shutting down, full, read-only, too busy, out of
  // time. INTERNAL CATALOG_ERROR for what does not. Cleaned text; never a statement's values or a password.
  absl::Status status;
};

// `connection_open`: whether the connection still stands after it.
SqlFailure ExplainException(const std::exception& error, bool connection_open);

}  // namespace backup::server
