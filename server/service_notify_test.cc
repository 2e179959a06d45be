// SPDX-License-Identifier: Apache-2.0
#include "server/service_notify.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdlib>
#include <cstring>

#include "base/file.h"
#include "tests/testing/temp_dir.h"

namespace backup::server {
namespace {

TEST(ServiceNotifyTest, TellsTheSocketThatTheEnvironmentNames) {
  testing::TempDir dir;
  const std::string path = dir.File("notify");
  const FileDescriptor manager(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  ASSERT_LT(path.size(), sizeof(address.sun_path));
  std::memcpy(address.sun_path, path.data(), path.size());
  ASSERT_EQ(bind(manager.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(setenv("NOTIFY_SOCKET", path.c_str(), 1), 0);

  NotifyServiceManager("READY=1");

  unsetenv("NOTIFY_SOCKET");
  char text[64] = {};
  EXPECT_EQ(recv(manager.get(), text, sizeof(text), MSG_DONTWAIT), 7);
  EXPECT_STREQ(text, "READY=1");
}

TEST(ServiceNotifyTest, DoesWithoutAManager) {
  unsetenv("NOTIFY_SOCKET");
  NotifyServiceManager("READY=1");
  setenv("NOTIFY_SOCKET", "/no/such/socket", 1);
  NotifyServiceManager("READY=1");
  setenv("NOTIFY_SOCKET", std::string(200, 'x').c_str(), 1);
  NotifyServiceManager("READY=1");
  unsetenv("NOTIFY_SOCKET");
}

}  // namespace
}  // namespace backup::server
