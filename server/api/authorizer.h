// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <google/protobuf/descriptor.h>

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/rpc/tls.h"

namespace backup::server {

// One line of the table: which kinds of peers may call a method.
struct MethodRule {
  absl::string_view method;  // Full name, e.g. "backup.v1.PolicyService.GetPolicy".
  std::vector<Peer::Kind> allowed;
};

// The table of all methods. A method of ours that is not in it is refused to everybody.
const std::vector<MethodRule>& MethodRules();

// Decides who may call what. Every method passes it before anything else happens. gRPC's health and reflection services
// are the only ones that do not: they are open to all and tell nothing about the fleet.
//
// A method is known by the type of its request, which no other method has, so a service cannot name the wrong one.
// Immutable; safe to use from any thread.
class Authorizer {
 public:
  explicit Authorizer(const std::vector<MethodRule>& rules = MethodRules());

  // OK, UNAUTHENTICATED CLIENT_CERTIFICATE_REQUIRED for a peer without identity, PERMISSION_DENIED NOT_ALLOWED
  // otherwise. `request` is the type of the method's request message.
  absl::Status Authorize(const Peer& peer, const google::protobuf::Descriptor& request) const;

 private:
  // By full name of the method.
  std::map<std::string, std::vector<Peer::Kind>> allowed_;
};

// Full name of the method that takes `request`, "" when there is none. Methods and their requests share a file.
std::string MethodTaking(const google::protobuf::Descriptor& request);

}  // namespace backup::server
