// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "base/cancellation.h"
#include "ctl/command_environment.h"
#include "ctl/exit_code.h"
#include "tests/golden/fake_controller.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fake_random.h"

namespace backup::testing {

// backupctl in this process: its streams are strings, it is 2026-11-24T08:00:00Z, nothing is a terminal, and every
// context leads to one FakeController. Its configuration is a file of the test's with a context named "test".
class InProcessCli {
 public:
  // Borrows `controller`; null: nothing answers. `config` is the path of the contexts' file.
  InProcessCli(FakeController* controller, const std::string& config);

  // Runs one command line, split at blanks; 'quoted words' hold together.
  ctl::ExitCode Run(const std::string& command_line);

  // What the last command wrote.
  std::string out() const { return out_.str(); }
  std::string err() const { return err_.str(); }

  ctl::CommandEnvironment& environment() { return environment_; }
  FakeClock& clock() { return clock_; }
  Cancellation& interrupt() { return interrupt_; }
  // What the next command reads from stdin.
  void SetInput(const std::string& text);

 private:
  FakeController* controller_;
  std::istringstream in_;
  std::ostringstream out_;
  std::ostringstream err_;
  FakeClock clock_;
  FakeRandom random_;
  Cancellation interrupt_;
  ctl::CommandEnvironment environment_;
};

// The words of a command line as a shell would see them, without variables: blanks part words, 'quotes' and "quotes"
// hold them together.
std::vector<std::string> SplitCommandLine(const std::string& line);

}  // namespace backup::testing
