// SPDX-License-Identifier: Apache-2.0
#include "base/child_stderr.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace backup {
namespace {

constexpr size_t kMaxLines = 40;
constexpr size_t kMaxLineBytes = 500;
// A pipe holds 1 MiB at most (/proc/sys/fs/pipe-max-size); more than that came after the child's end.
constexpr size_t kMaxLeftBytes = 1 << 20;

}  // namespace

void LineRing::Append(absl::string_view bytes) {
  while (!bytes.empty()) {
    const size_t newline = bytes.find('\n');
    const absl::string_view piece = bytes.substr(0, newline);
    const size_t room = max_line_bytes_ + 1 - unfinished_.size();
    unfinished_.append(piece.data(), std::min(piece.size(), room));
    if (newline == absl::string_view::npos) return;
    FinishLine();
    bytes.remove_prefix(newline + 1);
  }
}

void LineRing::FinishLine() {
  lines_.push_back(CleanText(unfinished_, max_line_bytes_));
  unfinished_.clear();
  if (lines_.size() > max_lines_) lines_.pop_front();
}

std::vector<std::string> LineRing::Lines() const {
  std::vector<std::string> lines(lines_.begin(), lines_.end());
  if (!unfinished_.empty()) lines.push_back(CleanText(unfinished_, max_line_bytes_));
  if (lines.size() > max_lines_) lines.erase(lines.begin());
  return lines;
}

StderrReader::StderrReader(FileDescriptor read_end)
    : read_end_(std::move(read_end)), wake_up_(eventfd(0, EFD_CLOEXEC)), ring_(kMaxLines, kMaxLineBytes) {
  fcntl(read_end_.get(), F_SETFL, O_NONBLOCK);
  thread_ = std::thread([this] { Run(); });
}

StderrReader::~StderrReader() { Finish(); }

void StderrReader::Finish() {
  if (!thread_.joinable()) return;
  const uint64_t one = 1;
  // The counter has room, so that this cannot fail.
  if (write(wake_up_.get(), &one, sizeof(one)) == sizeof(one)) thread_.join();
}

std::vector<std::string> StderrReader::Lines() const {
  MutexLock lock(mu_);
  return ring_.Lines();
}

ssize_t StderrReader::ReadOnce() {
  char buffer[4096];
  const ssize_t count = read(read_end_.get(), buffer, sizeof(buffer));
  if (count > 0) {
    MutexLock lock(mu_);
    ring_.Append(absl::string_view(buffer, static_cast<size_t>(count)));
  }
  return count;
}

void StderrReader::Run() {
  pthread_setname_np(pthread_self(), "child-stderr");
  while (true) {
    pollfd fds[] = {{read_end_.get(), POLLIN, 0}, {wake_up_.get(), POLLIN, 0}};
    if (poll(fds, 2, -1) < 0) continue;
    if (fds[1].revents != 0) break;
    const ssize_t count = ReadOnce();
    if (count == 0) return;
    if (count < 0 && errno != EINTR && errno != EAGAIN) return;
  }
  for (size_t total = 0; total < kMaxLeftBytes;) {
    const ssize_t count = ReadOnce();
    if (count <= 0) return;
    total += static_cast<size_t>(count);
  }
}

}  // namespace backup
