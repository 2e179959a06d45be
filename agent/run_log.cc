// SPDX-License-Identifier: Apache-2.0
#include "agent/run_log.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/file.h"
#include "base/log.h"
#include "base/proto_json.h"
#include "base/text.h"

namespace backup::agent {
namespace {

constexpr absl::string_view kSuffix = ".log";
constexpr size_t kMaxLines = 10'000;
constexpr size_t kMaxLineBytes = 2'000;
constexpr int kMaxBatchLines = 1'000;
constexpr size_t kMaxBatchBytes = 500 << 10;
constexpr size_t kMaxFileBytes = 64 << 20;

}  // namespace

RunLogs::RunLogs(std::string directory, std::string corrupt_directory)
    : directory_(std::move(directory)), corrupt_directory_(std::move(corrupt_directory)) {}

std::string RunLogs::PathOf(const AttemptKey& key) const {
  const absl::StatusOr<std::string> name = AttemptFileName(key);
  return name.ok() ? absl::StrCat(directory_, "/", *name, kSuffix) : "";
}

absl::Status RunLogs::Load() {
  MutexLock lock(mu_);
  std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(directory_.c_str()), closedir);
  if (dir == nullptr) {
    return ErrnoToStatus(errno, absl::StrCat("cannot list ", directory_));
  }
  while (const dirent* entry = readdir(dir.get())) {
    const std::string name = entry->d_name;
    if (absl::EndsWith(name, kSuffix) && !LoadFile(name)) {
      LogError("a run's log could not be read and was set aside", {{"file", name}, {"moved_to", corrupt_directory_}});
      rename(absl::StrCat(directory_, "/", name).c_str(), absl::StrCat(corrupt_directory_, "/", name).c_str());
    }
  }
  return absl::OkStatus();
}

bool RunLogs::LoadFile(const std::string& name) {
  const absl::StatusOr<AttemptKey> key = ParseAttemptFileName(absl::StripSuffix(name, kSuffix));
  const absl::StatusOr<std::string> text = ReadFile(absl::StrCat(directory_, "/", name), kMaxFileBytes);
  if (!key.ok() || !text.ok()) {
    return false;
  }
  const std::vector<std::string> rows = absl::StrSplit(*text, '\n');
  RunLog log;
  log.finished = true;
  if (!FromJson(rows[0], &log.attempt).ok() || KeyOf(log.attempt) != *key) {
    return false;
  }
  for (size_t i = 1; i < rows.size(); ++i) {
    v1::RunLogLine line;
    // The last row may be cut by a crash; what follows a gap would get wrong offsets.
    if (!FromJson(rows[i], &line).ok() || line.offset() != static_cast<int64_t>(log.lines.size())) {
      break;
    }
    log.lines.push_back(std::move(line));
  }
  RemoveIfDone(logs_.insert_or_assign(*key, std::move(log)).first);
  return true;
}

void RunLogs::Begin(const v1::AttemptRef& attempt) {
  MutexLock lock(mu_);
  RunLog& log = logs_[KeyOf(attempt)];
  log.attempt = attempt;
  log.finished = false;
}

void RunLogs::Append(const v1::AttemptRef& attempt, absl::Time time, absl::string_view text) {
  const AttemptKey key = KeyOf(attempt);
  MutexLock lock(mu_);
  RunLog& log = logs_[key];
  std::string rows;
  if (log.lines.empty()) {
    log.attempt = attempt;
    absl::StrAppend(&rows, ToJson(attempt), "\n");
  }
  if (log.lines.size() >= kMaxLines) {
    return;
  }
  v1::RunLogLine line;
  line.set_offset(static_cast<int64_t>(log.lines.size()));
  *line.mutable_time() = ToProto(time);
  const bool last = log.lines.size() + 1 == kMaxLines;
  line.set_text(last ? "more lines were left out" : CleanText(text, kMaxLineBytes));
  absl::StrAppend(&rows, ToJson(line), "\n");
  log.lines.push_back(std::move(line));
  AppendToFile(key, rows);
}

void RunLogs::AppendToFile(const AttemptKey& key, const std::string& text) const {
  const FileDescriptor file(
      open(PathOf(key).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
  // In one write, so that a full disk cuts at most the last line; the lines in memory are delivered all the same.
  if (file.valid() && write(file.get(), text.data(), text.size()) < 0) {
    LogDebug("a run's log could not be written", {{"run", key.first}});
  }
}

void RunLogs::Finish(const AttemptKey& key) {
  MutexLock lock(mu_);
  if (auto it = logs_.find(key); it != logs_.end()) {
    it->second.finished = true;
    RemoveIfDone(it);
  }
}

std::vector<v1::UploadRunLogRequest> RunLogs::Pending() const {
  MutexLock lock(mu_);
  std::vector<v1::UploadRunLogRequest> requests;
  for (const auto& [key, log] : logs_) {
    v1::UploadRunLogRequest request;
    size_t bytes = 0;
    for (auto i = static_cast<size_t>(log.next_offset);
         i < log.lines.size() && request.lines_size() < kMaxBatchLines && bytes < kMaxBatchBytes; ++i) {
      *request.add_lines() = log.lines[i];
      bytes += log.lines[i].text().size() + 32;
    }
    if (request.lines_size() > 0) {
      *request.mutable_attempt() = log.attempt;
      requests.push_back(std::move(request));
    }
  }
  return requests;
}

void RunLogs::Acknowledge(const AttemptKey& key, int64_t next_offset) {
  MutexLock lock(mu_);
  if (auto it = logs_.find(key); it != logs_.end()) {
    it->second.next_offset = std::clamp<int64_t>(next_offset, 0, static_cast<int64_t>(it->second.lines.size()));
    RemoveIfDone(it);
  }
}

void RunLogs::DiscardFinished(const AttemptKey& key) {
  MutexLock lock(mu_);
  if (auto it = logs_.find(key); it != logs_.end() && it->second.finished) {
    it->second.next_offset = static_cast<int64_t>(it->second.lines.size());
    RemoveIfDone(it);
  }
}

bool RunLogs::empty() const {
  MutexLock lock(mu_);
  return logs_.empty();
}

void RunLogs::RemoveIfDone(std::map<AttemptKey, RunLog>::iterator it) {
  if (it->second.finished && it->second.next_offset >= static_cast<int64_t>(it->second.lines.size())) {
    unlink(PathOf(it->first).c_str());
    logs_.erase(it);
  }
}

}  // namespace backup::agent
