// SPDX-License-Identifier: Apache-2.0
#include "tests/testing/postgres_proxy.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace backup::testing {
namespace {

constexpr int kBufferBytes = 65536;

sockaddr_un Address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  return address;
}

FileDescriptor Connect(const std::string& path) {
  FileDescriptor fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_un address = Address(path);
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) return FileDescriptor();
  return fd;
}

// False at the end of the stream.
bool Receive(int fd, std::string* bytes) {
  bytes->resize(kBufferBytes);
  const ssize_t count = recv(fd, bytes->data(), bytes->size(), 0);
  bytes->resize(count > 0 ? static_cast<size_t>(count) : 0);
  return count > 0;
}

bool SendAll(int fd, const std::string& bytes) {
  for (size_t sent = 0; sent < bytes.size();) {
    const ssize_t count = send(fd, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (count <= 0) return false;
    sent += static_cast<size_t>(count);
  }
  return true;
}

}  // namespace

PostgresProxy::PostgresProxy(std::string directory, std::string server_path)
    : directory_(std::move(directory)), server_path_(std::move(server_path)), stop_(eventfd(0, EFD_CLOEXEC)) {}

absl::StatusOr<std::unique_ptr<PostgresProxy>> PostgresProxy::Start(const std::string& server_directory, int port) {
  std::string directory = "/tmp/pgx-XXXXXX";
  if (mkdtemp(directory.data()) == nullptr) return ErrnoToStatus(errno, "cannot make a directory in /tmp");
  std::unique_ptr<PostgresProxy> proxy(
      new PostgresProxy(directory, absl::StrCat(server_directory, "/.s.PGSQL.", port)));
  RETURN_IF_ERROR(proxy->Listen(port));
  proxy->acceptor_ = std::thread([raw = proxy.get()] { raw->Accept(); });
  return proxy;
}

absl::Status PostgresProxy::Listen(int port) {
  listener_ = FileDescriptor(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_un address = Address(absl::StrCat(directory_, "/.s.PGSQL.", port));
  if (bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      listen(listener_.get(), 64) != 0) {
    return ErrnoToStatus(errno, "cannot listen in " + directory_);
  }
  return absl::OkStatus();
}

PostgresProxy::~PostgresProxy() {
  const uint64_t one = 1;
  if (write(stop_.get(), &one, sizeof(one)) != sizeof(one)) std::abort();
  if (acceptor_.joinable()) acceptor_.join();
  std::vector<std::thread> connections;
  {
    MutexLock lock(mu_);
    connections.swap(connections_);
  }
  for (std::thread& connection : connections) connection.join();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void PostgresProxy::LoseNextCommit(Loss loss) {
  MutexLock lock(mu_);
  has_loss_ = true;
  loss_ = loss;
}

void PostgresProxy::SetRefusing(bool refusing, bool after_cut) {
  MutexLock lock(mu_);
  refusing_ = refusing;
  refuse_after_cut_ = after_cut;
}

int PostgresProxy::cut_count() const {
  MutexLock lock(mu_);
  return cut_count_;
}

void PostgresProxy::Accept() {
  while (true) {
    pollfd fds[] = {{listener_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
    poll(fds, 2, -1);
    if (fds[1].revents != 0) return;
    FileDescriptor client(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    MutexLock lock(mu_);
    if (!client.valid() || refusing_) continue;
    connections_.emplace_back(
        [this, fd = std::make_shared<FileDescriptor>(std::move(client))] { Forward(std::move(*fd)); });
  }
}

PostgresProxy::Action PostgresProxy::Decide(const std::string& bytes) {
  MutexLock lock(mu_);
  if (!has_loss_ || bytes.find("COMMIT") == std::string::npos) return Action::kPass;
  has_loss_ = false;
  ++cut_count_;
  if (refuse_after_cut_) refusing_ = true;
  return loss_ == Loss::kRequest ? Action::kCut : Action::kPassThenCut;
}

void PostgresProxy::Forward(FileDescriptor client) {
  const FileDescriptor server = Connect(server_path_);
  if (!server.valid()) return;
  std::string bytes;
  while (true) {
    pollfd fds[] = {{client.get(), POLLIN, 0}, {server.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
    poll(fds, 3, -1);
    if (fds[2].revents != 0) return;
    if (fds[0].revents != 0) {
      if (!Receive(client.get(), &bytes)) return;
      const Action action = Decide(bytes);
      if (action == Action::kCut || !SendAll(server.get(), bytes)) return;
      if (action == Action::kPassThenCut) {
        // The first byte of the answer says that it is done.
        Receive(server.get(), &bytes);
        return;
      }
    }
    if (fds[1].revents != 0 && (!Receive(server.get(), &bytes) || !SendAll(client.get(), bytes))) return;
  }
}

}  // namespace backup::testing
