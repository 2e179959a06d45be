// SPDX-License-Identifier: Apache-2.0
#include "server/address.h"

#include <arpa/inet.h>
#include <unistd.h>

#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"

namespace backup::server {
namespace {

constexpr size_t kMaxHostBytes = 253;

bool IsIpv6(const std::string& host) {
  in6_addr address;
  return inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

bool IsIpv4(const std::string& host) {
  in_addr address;
  return inet_pton(AF_INET, host.c_str(), &address) == 1;
}

bool IsHostName(absl::string_view host) {
  for (const char c : host) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '.') {
      return false;
    }
  }
  return !host.empty() && host.size() <= kMaxHostBytes;
}

}  // namespace

std::string Address::ToString() const {
  return IsIpv6(host) ? absl::StrCat("[", host, "]:", port) : absl::StrCat(host, ":", port);
}

bool Address::IsWildcard() const { return host == "0.0.0.0" || host == "::"; }

bool Address::IsIp() const { return IsIpv4(host) || IsIpv6(host); }

absl::StatusOr<Address> ParseAddress(absl::string_view field, absl::string_view text) {
  const size_t colon = text.rfind(':');
  int port = -1;
  if (colon == absl::string_view::npos || !absl::SimpleAtoi(text.substr(colon + 1), &port) || port < 0 ||
      port > 65535) {
    return InvalidField(field, absl::StrCat("\"", text, "\" is not HOST:PORT"), "for example 127.0.0.1:7443");
  }
  absl::string_view host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    if (IsIpv6(std::string(host))) {
      return Address{std::string(host), port};
    }
  } else if (IsHostName(host)) {
    return Address{std::string(host), port};
  }
  return InvalidField(field, absl::StrCat("\"", text, "\" names no host"), "for example 127.0.0.1:7443 or [::1]:7443");
}

std::string HostName() {
  std::array<char, 256> name = {};
  if (gethostname(name.data(), name.size() - 1) != 0 || !IsHostName(name.data())) {
    return "localhost";
  }
  return name.data();
}

}  // namespace backup::server
