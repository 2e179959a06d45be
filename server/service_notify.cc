// SPDX-License-Identifier: Apache-2.0
#include "server/service_notify.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

#include "base/file.h"
#include "base/log.h"

namespace backup::server {

void NotifyServiceManager(absl::string_view state) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr || *path == '\0') {
    return;
  }
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const std::string name = path;
  if (name.size() >= sizeof(address.sun_path)) {
    LogWarning("the path in NOTIFY_SOCKET is too long", {{"path", name}});
    return;
  }
  std::memcpy(address.sun_path, name.data(), name.size());
  if (address.sun_path[0] == '@') {
    address.sun_path[0] = '\0';  // An abstract socket.
  }
  const FileDescriptor fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  if (!fd.valid() || sendto(fd.get(), state.data(), state.size(), MSG_NOSIGNAL,
                            reinterpret_cast<const sockaddr*>(&address), size) < 0) {
    LogWarning("the service manager was not told", {{"state", state}});
  }
}

}  // namespace backup::server
