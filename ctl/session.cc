// SPDX-License-Identifier: Apache-2.0
#include "ctl/session.h"

#include <optional>
#include <ostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/rpc/tls.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "base/units.h"

namespace backup::ctl {

std::string CommandEnvironment::Variable(const std::string& name) const {
  const auto it = variables.find(name);
  return it == variables.end() ? "" : it->second;
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenTlsChannel(const Context& context) {
  ASSIGN_OR_RETURN(const TlsIdentity identity, LoadTlsIdentity(context.ca, context.certificate, context.key));
  return CreateTlsChannel(context.controller, identity);
}

Output& Session::output() {
  if (output_ == nullptr) {
    const CommandEnvironment& env = environment_;
    Output::Options options;
    options.format = ParseOutputFormat(flags_.output).value_or(OutputFormat::kTable);
    options.color = env.terminal.out && MayColor();
    if (env.terminal.out) options.columns = env.terminal.columns;
    output_ = std::make_unique<Output>(env.out, options);
  }
  return *output_;
}

ErrorStyle Session::error_style() const {
  ErrorStyle style;
  const std::optional<OutputFormat> format = ParseOutputFormat(flags_.output);
  style.json = format == OutputFormat::kJson || format == OutputFormat::kJsonl;
  style.color = environment_.terminal.err && MayColor();
  return style;
}

void Session::Say(absl::string_view line) { environment_.err << CleanText(line) << std::endl; }

bool Session::MayColor() const {
  return !flags_.no_color && environment_.Variable("NO_COLOR").empty() && environment_.Variable("TERM") != "dumb";
}

absl::StatusOr<std::string> Session::ConfigPath() const {
  if (!flags_.config.empty()) return flags_.config;
  return ContextFilePath(environment_.variables);
}

absl::StatusOr<Context> Session::ChooseContext() const {
  Context context;
  std::string wanted = flags_.context;
  if (wanted.empty()) wanted = environment_.Variable("BACKUPCTL_CONTEXT");
  const bool complete =
      !flags_.controller.empty() && !flags_.ca.empty() && !flags_.certificate.empty() && !flags_.key.empty();
  if (!complete || !wanted.empty()) {
    ASSIGN_OR_RETURN(const std::string path, ConfigPath());
    ASSIGN_OR_RETURN(const ContextFile file, ContextFile::Read(path));
    if (wanted.empty()) wanted = file.current();
    if (wanted.empty()) {
      return MakeError(
          absl::StatusCode::kFailedPrecondition, "NO_CONTEXT",
          absl::StrCat("no controller is chosen: ", path, " has no current context"),
          file.contexts().empty()
              ? "start one here with backupctl dev up, or name one: backupctl context set NAME --controller "
                "HOST:PORT --ca FILE --certificate FILE --key FILE"
              : "choose one: backupctl context use NAME, or pass --context NAME");
    }
    ASSIGN_OR_RETURN(context, file.Find(wanted));
  }
  if (!flags_.controller.empty()) context.controller = flags_.controller;
  if (!flags_.ca.empty()) context.ca = flags_.ca;
  if (!flags_.certificate.empty()) context.certificate = flags_.certificate;
  if (!flags_.key.empty()) context.key = flags_.key;
  return context;
}

absl::StatusOr<Client*> Session::client() {
  if (client_ == nullptr) {
    ASSIGN_OR_RETURN(const absl::Duration timeout, backup::ParseDuration(flags_.timeout));
    ASSIGN_OR_RETURN(const Context context, ChooseContext());
    ASSIGN_OR_RETURN(std::shared_ptr<grpc::Channel> channel, environment_.open_channel(context));
    client_ = std::make_unique<Client>(std::move(channel), context.controller, timeout, environment_.interrupt);
  }
  return client_.get();
}

}  // namespace backup::ctl
