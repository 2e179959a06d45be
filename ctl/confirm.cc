// SPDX-License-Identifier: Apache-2.0
#include "ctl/confirm.h"

#include <unistd.h>

#include <istream>
#include <ostream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/text.h"
#include "ctl/exit_code.h"
#include "ctl/short_name.h"

namespace backup::ctl {

absl::Status Confirm(Session& session, const std::string& act, const std::string& name, const std::string& given) {
  if (given == name) return absl::OkStatus();
  const auto refuse = [&](const std::string& why) {
    return MakeError(absl::StatusCode::kInvalidArgument, "CONFIRMATION_REQUIRED", why,
                     absl::StrCat("add --confirm ", ShellWord(name), " if you mean it"));
  };
  if (!given.empty()) {
    return refuse(absl::StrCat("--confirm says \"", given, "\", but this would ", act, " \"", name, "\""));
  }
  CommandEnvironment& env = session.environment();
  if (!env.terminal.in || !env.terminal.err) {
    return refuse(absl::StrCat("this would ", act, " \"", name, "\", and wants to be confirmed"));
  }

  env.err << "This will " << act << " \"" << CleanText(name) << "\". Type its name to go on: " << std::flush;
  // Reading a terminal cannot be cancelled: Ctrl-C ends the program here, before anything was done.
  const Cancellation::Registration leave(env.interrupt, [] { _exit(static_cast<int>(ExitCode::kInterrupted)); });
  std::string typed;
  std::getline(env.in, typed);
  if (absl::StripAsciiWhitespace(typed) == name) return absl::OkStatus();
  return refuse("the name was not typed; nothing was done");
}

}  // namespace backup::ctl
