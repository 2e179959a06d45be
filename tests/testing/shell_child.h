// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "base/child_process.h"
#include "tests/testing/matchers.h"

namespace backup::testing {

// Longer than anything here takes: it only ends a test that would hang.
inline constexpr absl::Duration kLong = absl::Seconds(60);

// A shell is the handiest child to test with; production code never starts one.
inline ChildOptions Shell(const std::string& script) {
  ChildOptions options;
  options.argv = {"/bin/sh", "-c", script};
  options.environment = {{"PATH", "/usr/bin:/bin"}};
  return options;
}

inline std::unique_ptr<ChildProcess> StartShell(const std::string& script) {
  absl::StatusOr<std::unique_ptr<ChildProcess>> child = ChildProcess::Start(Shell(script));
  EXPECT_THAT(child, IsOk());
  return *std::move(child);
}

}  // namespace backup::testing
