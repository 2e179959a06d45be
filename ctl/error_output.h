// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iosfwd>

#include "absl/status/status.h"

namespace backup::ctl {

struct ErrorStyle {
  bool json = false;  // One JSON object instead of text: {"error": {code, reason, message, hint, exitCode, details}}.
  bool color = false;
};

// Tells an error to people:
//
//   error: policy "orders" not found
//   reason: POLICY_NOT_FOUND
//   hint: see backupctl policy list
//
// An error made of several shows each. Everything is cleaned.
void WriteError(const absl::Status& status, const ErrorStyle& style, std::ostream& err);

}  // namespace backup::ctl
