// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "ctl/client.h"
#include "ctl/command_environment.h"
#include "ctl/context.h"
#include "ctl/error_output.h"
#include "ctl/output.h"

namespace backup::ctl {

// Flags that every command takes.
struct GlobalFlags {
  std::string context;     // --context; default: the file's current one.
  std::string controller;  // --controller host:port; instead of the context's.
  std::string ca;          // --ca, --certificate, --key FILE; likewise.
  std::string certificate;
  std::string key;
  std::string config;            // --config FILE; instead of the usual place.
  std::string output = "table";  // -o
  std::string timeout = "10s";   // --timeout, units.h.
  bool no_color = false;
};

// One call of backupctl: the environment, the global flags, and what follows from them. Not thread-safe.
class Session {
 public:
  // Borrows `environment`.
  explicit Session(CommandEnvironment& environment) : environment_(environment) {}

  CommandEnvironment& environment() { return environment_; }
  GlobalFlags& flags() { return flags_; }
  Output& output();
  // How errors and talk on stderr are to look.
  ErrorStyle error_style() const;
  // A line of talk on stderr; cleaned.
  void Say(absl::string_view line);

  // Where contexts are kept.
  absl::StatusOr<std::string> ConfigPath() const;
  // The context that flags, $BACKUPCTL_CONTEXT and the file choose. FAILED_PRECONDITION NO_CONTEXT when there is none.
  absl::StatusOr<Context> ChooseContext() const;
  // The connection to its controller; made at the first call, dialled by the first RPC.
  absl::StatusOr<Client*> client();

  absl::Time now() const { return environment_.clock.Now(); }

 private:
  bool MayColor() const;

  CommandEnvironment& environment_;
  GlobalFlags flags_;
  std::unique_ptr<Output> output_;
  std::unique_ptr<Client> client_;
};

}  // namespace backup::ctl
