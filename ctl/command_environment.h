// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <iosfwd>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/cancellation.h"
#include "base/clock.h"
#include "base/random.h"
#include "ctl/context.h"

namespace backup::ctl {

// What the streams are connected to.
struct Terminal {
  bool in = false;   // stdin is a terminal: a person can be asked.
  bool out = false;  // stdout is one: tables are cut to its width.
  bool err = false;  // stderr is one: progress is drawn in place.
  int columns = 80;  // Width in characters; at least 20.
};

// Makes the channel to a context's controller.
using ChannelFactory = std::function<absl::StatusOr<std::shared_ptr<grpc::Channel>>(const Context&)>;

// Everything a command touches outside of itself, so that a test can stand for all of it. References are borrowed and
// must outlive it.
struct CommandEnvironment {
  std::istream& in;
  std::ostream& out;  // Data.
  std::ostream& err;  // Talk: progress, hints, errors.
  Clock& clock;
  Random& random;
  Cancellation& interrupt;  // Cancelled by Ctrl-C.
  ChannelFactory open_channel;
  Terminal terminal;
  std::map<std::string, std::string> variables;  // The process's environment.
  std::string program;                           // Path of this program, as far as known.

  // The variable's value; "" when it is not set.
  std::string Variable(const std::string& name) const;
};

// TLS with the context's files, as base/rpc/tls.h does it.
absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenTlsChannel(const Context& context);

}  // namespace backup::ctl
