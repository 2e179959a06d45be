// SPDX-License-Identifier: Apache-2.0
#include "server/api/listen_error.h"

#include <netdb.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/errors.h"
#include "base/file.h"

namespace backup::server {
namespace {

// errno of an attempt to listen, 0 when it works.
int TryToListen(const addrinfo& address) {
  const FileDescriptor fd(socket(address.ai_family, address.ai_socktype | SOCK_CLOEXEC, address.ai_protocol));
  if (!fd.valid()) {
    return errno;
  }
  const int on = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (bind(fd.get(), address.ai_addr, address.ai_addrlen) != 0 || listen(fd.get(), 1) != 0) {
    return errno;
  }
  return 0;
}

absl::Status Unusable(const std::string& address, absl::string_view why) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "ADDRESS_UNUSABLE",
                   absl::StrCat("cannot listen at ", address, ": ", why),
                   "give --listen an address of this machine and a port above 1023", {{"address", address}});
}

}  // namespace

absl::Status ListenError(const std::string& address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos) {
    return Unusable(address, "it is not HOST:PORT");
  }
  absl::string_view host = absl::string_view(address).substr(0, colon);
  if (absl::ConsumePrefix(&host, "[")) {
    absl::ConsumeSuffix(&host, "]");
  }
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const int resolved = getaddrinfo(std::string(host).c_str(), address.substr(colon + 1).c_str(), &hints, &found);
  if (resolved != 0) {
    return Unusable(address, gai_strerror(resolved));
  }
  int error_number = 0;
  for (const addrinfo* each = found; each != nullptr && error_number == 0; each = each->ai_next) {
    error_number = TryToListen(*each);
  }
  freeaddrinfo(found);
  if (error_number == EADDRINUSE) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "ADDRESS_IN_USE",
                     absl::StrCat("another program listens at ", address),
                     "stop it (another controller?), or choose another port with --listen", {{"address", address}});
  }
  return Unusable(address, error_number == 0 ? "the TLS identity was refused" : std::strerror(error_number));
}

}  // namespace backup::server
