// SPDX-License-Identifier: Apache-2.0
#include "tests/golden/in_process_cli.h"

#include "absl/time/time.h"
#include "ctl/run_command_line.h"

namespace backup::testing {
namespace {

absl::Time StartTime() { return absl::FromCivil(absl::CivilSecond(2026, 11, 24, 8, 0, 0), absl::UTCTimeZone()); }

}  // namespace

InProcessCli::InProcessCli(FakeController* controller, const std::string& config)
    : controller_(controller),
      clock_(StartTime()),
      environment_{
          .in = in_,
          .out = out_,
          .err = err_,
          .clock = clock_,
          .random = random_,
          .interrupt = interrupt_,
          .open_channel = [this](const ctl::Context& /*context*/) -> absl::StatusOr<std::shared_ptr<grpc::Channel>> {
            if (controller_ != nullptr) return controller_->Channel();
            return grpc::CreateChannel("unix:/nonexistent/controller.sock", grpc::InsecureChannelCredentials());
          },
          .terminal = {},
          .variables = {{"BACKUPCTL_CONFIG", config}},
          .program = "backupctl"} {}

ctl::ExitCode InProcessCli::Run(const std::string& command_line) {
  out_.str("");
  err_.str("");
  return ctl::RunCommandLine(SplitCommandLine(command_line), environment_);
}

void InProcessCli::SetInput(const std::string& text) {
  in_.clear();
  in_.str(text);
}

std::vector<std::string> SplitCommandLine(const std::string& line) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = 0;
  for (char c : line) {
    if (quote != 0) {
      if (c == quote) {
        quote = 0;
      } else {
        word += c;
      }
    } else if (c == '\'' || c == '"') {
      quote = c;
      in_word = true;
    } else if (c == ' ' || c == '\n' || c == '\t') {
      if (in_word) words.push_back(word);
      word.clear();
      in_word = false;
    } else {
      word += c;
      in_word = true;
    }
  }
  if (in_word) words.push_back(word);
  return words;
}

}  // namespace backup::testing
