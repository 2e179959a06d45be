// SPDX-License-Identifier: Apache-2.0
// Runs every case in cases/: a folder with
//   cmd        command lines, one to a line, without "backupctl", run in this folder; $TEMP is an empty one
//   stdout     what they print together
//   stderr     likewise; empty when the file is missing
//   exit_code  of each, one to a line
//   fleet      name of the folder in fleets/ that the controller answers from ("fleet"); "away": nothing answers
//   stdin      what they read
//   terminal   columns: stdout and stderr are a terminal of that width
// With BACKUPCTL_UPDATE_GOLDEN=1 in the environment it writes stdout, stderr and exit_code instead, to be read in the
// diff.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "tests/golden/in_process_cli.h"
#include "tests/testing/temp_dir.h"

namespace backup::testing {
namespace {

namespace fs = std::filesystem;

const fs::path& GoldenDir() {
  static const auto& dir = *new fs::path(GOLDEN_DIR);
  return dir;
}

std::string ReadText(const fs::path& path, const std::string& fallback = "") {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fallback;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

void WriteText(const fs::path& path, const std::string& text) {
  if (text.empty()) {
    fs::remove(path);
    return;
  }
  std::ofstream(path, std::ios::binary) << text;
}

std::vector<std::string> CaseNames() {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(GoldenDir() / "cases")) {
    if (entry.is_directory()) names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class GoldenTest : public ::testing::TestWithParam<std::string> {};

TEST_P(GoldenTest, PrintsWhatItAlwaysPrinted) {
  const fs::path dir = GoldenDir() / "cases" / GetParam();
  fs::current_path(dir);
  const TempDir temp;
  const std::string config = temp.path() + "/config.yaml";
  WriteText(config,
            "currentContext: test\ncontexts:\n"
            "  - {name: test, controller: \"controller.test:7443\", ca: ca.crt, certificate: me.crt, key: me.key}\n");
  const std::string fleet(absl::StripAsciiWhitespace(ReadText(dir / "fleet", "fleet")));
  std::optional<FakeController> controller;
  if (fleet != "away") controller.emplace(FakeFleet::Read((GoldenDir() / "fleets" / fleet).string()));
  InProcessCli cli(controller ? &*controller : nullptr, config);
  cli.SetInput(ReadText(dir / "stdin"));
  if (const std::string columns = ReadText(dir / "terminal"); !columns.empty()) {
    cli.environment().terminal = {true, true, true, std::stoi(columns)};
  }

  std::string out;
  std::string err;
  std::string exit_codes;
  for (absl::string_view line : absl::StrSplit(ReadText(dir / "cmd"), '\n', absl::SkipWhitespace())) {
    const std::string command_line = absl::StrReplaceAll(line, {{"$TEMP", temp.path()}});
    absl::StrAppend(&exit_codes, static_cast<int>(cli.Run(command_line)), "\n");
    absl::StrAppend(&out, cli.out());
    absl::StrAppend(&err, cli.err());
  }
  for (std::string* text : {&out, &err}) *text = absl::StrReplaceAll(*text, {{temp.path(), "$TEMP"}});

  if (std::getenv("BACKUPCTL_UPDATE_GOLDEN") != nullptr) {
    WriteText(dir / "stdout", out);
    WriteText(dir / "stderr", err);
    WriteText(dir / "exit_code", exit_codes);
    return;
  }
  EXPECT_EQ(out, ReadText(dir / "stdout"));
  EXPECT_EQ(err, ReadText(dir / "stderr"));
  EXPECT_EQ(exit_codes, ReadText(dir / "exit_code"));
}

INSTANTIATE_TEST_SUITE_P(Cases, GoldenTest, ::testing::ValuesIn(CaseNames()),
                         [](const ::testing::TestParamInfo<std::string>& info) { return info.param; });

}  // namespace
}  // namespace backup::testing
