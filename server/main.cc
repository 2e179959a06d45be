// SPDX-License-Identifier: Apache-2.0
// backup-controller: policies, the catalog, the plan of runs. Exit codes: 0 stopped, 1 failed, 2 wrong usage.
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <thread>

#include "base/cancellation.h"
#include "base/log.h"
#include "base/signals.h"
#include "base/status_macros.h"
#include "server/command_line.h"
#include "server/controller.h"
#include "server/error_text.h"

namespace backup::server {
namespace {

// Serves until `stop` is cancelled or something fails.
absl::Status Run(const ControllerOptions& options, Cancellation& stop) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Controller> controller, Controller::Start(options, stop));
  return controller->Wait();
}

int Main(int argc, char** argv) {
  StopSignal stop_signal;
  ProtectProcessMemory();
  const CommandLine command_line = ParseCommandLine(argc, argv);
  if (!command_line.options.has_value()) {
    return command_line.exit_code;
  }
  LogOptions log;
  log.level = command_line.options->log_level;
  const char* log_file = std::getenv("LOG_FILE");
  log.file = log_file == nullptr ? "" : log_file;
  absl::Status status = InitLog(log);
  if (status.ok()) {
    Cancellation stop;
    std::thread controller([&] {
      status = Run(*command_line.options, stop);
      kill(getpid(), SIGTERM);  // Ends the wait below, if nothing else has.
    });
    stop_signal.Wait();
    stop.Cancel("stopped by a signal");
    controller.join();
  }
  if (status.ok() || absl::IsCancelled(status)) {
    return 0;
  }
  std::cerr << ErrorText(status);
  return 1;
}

}  // namespace
}  // namespace backup::server

int main(int argc, char** argv) { return backup::server::Main(argc, argv); }
