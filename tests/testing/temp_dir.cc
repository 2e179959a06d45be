// SPDX-License-Identifier: Apache-2.0
#include "tests/testing/temp_dir.h"

#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"

namespace backup::testing {
namespace {

[[noreturn]] void Die(const char* what) {
  perror(what);
  abort();
}

}  // namespace

TempDir::TempDir() {
  const char* const root = getenv("TMPDIR");
  path_ = absl::StrCat(root != nullptr && *root != '\0' ? root : "/tmp", "/backupctl_test_XXXXXX");
  if (mkdtemp(path_.data()) == nullptr) Die("mkdtemp");
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TempDir::File(absl::string_view name) const { return absl::StrCat(path_, "/", name); }

std::string TempDir::Write(absl::string_view name, absl::string_view contents) const {
  const std::string file = File(name);
  std::ofstream stream(file, std::ios::binary | std::ios::trunc);
  stream.write(contents.data(), static_cast<std::streamsize>(contents.size()));
  stream.close();
  if (!stream) Die(file.c_str());
  return file;
}

}  // namespace backup::testing
