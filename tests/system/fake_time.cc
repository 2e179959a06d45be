// SPDX-License-Identifier: Apache-2.0
#include "tests/system/fake_time.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/file.h"

namespace backup::testing {

std::string FakeTime::LibraryPath() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return "";  // The sanitizer's own library wants to be loaded first.
#else
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/usr/lib", ignored)) {
    const std::string path = entry.path().string() + "/faketime/libfaketimeMT.so.1";
    if (std::filesystem::exists(path, ignored)) return path;
  }
  return "";
#endif
}

FakeTime::FakeTime(std::string file) : file_(std::move(file)) { SetOffset(absl::ZeroDuration()); }

Environment FakeTime::environment() const {
  return {{"LD_PRELOAD", LibraryPath()},
          {"FAKETIME_TIMESTAMP_FILE", file_},
          {"FAKETIME_NO_CACHE", "1"},
          {"FAKETIME_DONT_FAKE_MONOTONIC", "1"}};
}

void FakeTime::SetOffset(absl::Duration offset) const {
  const int64_t seconds = absl::ToInt64Seconds(offset);
  EXPECT_TRUE(WriteFileAtomically(file_, absl::StrCat(seconds < 0 ? "" : "+", seconds, "\n")).ok());
}

}  // namespace backup::testing
