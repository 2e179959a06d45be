// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/time/time.h"
#include "tests/system/program.h"

namespace backup::testing {

// A wall clock that a story sets while a program of ours runs; its steady clock goes on as it is. By libfaketime, which
// the program loads because its environment says so.
class FakeTime {
 public:
  // Where the library is; "" when it is not installed, or cannot be loaded into our programs as they are built here.
  static std::string LibraryPath();

  // `file` tells the program the time; it is written, with the real time, at once.
  explicit FakeTime(std::string file);

  // What the program needs in its environment.
  Environment environment() const;
  // The program's clock from now on: real time and this.
  void SetOffset(absl::Duration offset) const;

 private:
  const std::string file_;
};

}  // namespace backup::testing
