// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace backup::server {

// A place to listen at or to dial.
struct Address {
  std::string host;  // Name or IP address, without brackets.
  int port = 0;      // 0 to 65535.

  // host:port, an IPv6 address in brackets.
  std::string ToString() const;
  // True for 0.0.0.0 and ::, which mean every address of this machine and cannot be dialled.
  bool IsWildcard() const;
  // True when the host is an IP address.
  bool IsIp() const;
};

// INVALID_ARGUMENT INVALID_FIELD `field` for anything that is not HOST:PORT; an IPv6 address needs brackets.
absl::StatusOr<Address> ParseAddress(absl::string_view field, absl::string_view text);

// This machine's name; "localhost" when it has none.
std::string HostName();

}  // namespace backup::server
