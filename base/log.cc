// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "base/errors.h"
#include "base/file.h"
#include "base/text.h"
#include "base/utf8.h"

namespace backup {
namespace {

constexpr size_t kMaxValueBytes = 16 << 10;

struct Sink {
  Mutex mu;
  LogLevel level ABSL_GUARDED_BY(mu) = LogLevel::kInfo;
  bool json ABSL_GUARDED_BY(mu) = isatty(STDERR_FILENO) == 0;
  FileDescriptor file ABSL_GUARDED_BY(mu);
};

// Never destroyed: threads may log until the very end.
Sink& TheSink() {
  static Sink* const sink = new Sink;
  return *sink;
}

absl::string_view LevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "unknown";
}

void AppendJsonString(std::string& out, absl::string_view text) {
  out += '"';
  const std::string valid = ToValidUtf8(text, kMaxValueBytes);
  for (size_t position = 0; position < valid.size();) {
    const size_t start = position;
    const int32_t c = NextCodePoint(valid, &position);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (IsControl(c)) {
      absl::StrAppendFormat(&out, "\\u%04x", static_cast<uint32_t>(c));
    } else {
      out.append(valid, start, position - start);
    }
  }
  out += '"';
}

std::string JsonLine(absl::string_view time, LogLevel level, absl::string_view message,
                     const std::vector<LogField>& fields) {
  std::string line = absl::StrCat("{\"time\":\"", time, "\",\"level\":\"", LevelName(level), "\",\"message\":");
  AppendJsonString(line, message);
  for (const LogField& field : fields) {
    line += ',';
    AppendJsonString(line, field.key);
    line += ':';
    AppendJsonString(line, field.value);
  }
  line += "}\n";
  return line;
}

std::string TextLine(absl::string_view time, LogLevel level, absl::string_view message,
                     const std::vector<LogField>& fields) {
  std::string line = absl::StrCat(time, " ", LevelName(level), " ", CleanText(message, kMaxValueBytes));
  for (const LogField& field : fields) {
    const std::string value = CleanText(field.value, kMaxValueBytes);
    absl::StrAppend(&line, " ", CleanText(field.key), "=");
    if (value.empty() || value.find_first_of(" \"=") != std::string::npos) {
      AppendJsonString(line, value);
    } else {
      line += value;
    }
  }
  line += '\n';
  return line;
}

// One write for one line, so that lines of several processes do not mix. There is nobody to tell of a failure.
void WriteLine(int fd, absl::string_view line) {
  while (!line.empty()) {
    const ssize_t count = write(fd, line.data(), line.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;
    line.remove_prefix(static_cast<size_t>(count));
  }
}

// When this process was started without them, the next file opened would get the number of stderr, and our lines.
void OpenMissingStandardStreams() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    // The lowest free number is taken, which is `fd`.
    if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", O_RDWR) < 0) return;
  }
}

}  // namespace

LogField::LogField(absl::string_view k, const absl::Status& v) : key(k) {
  value = absl::StatusCodeToString(v.code());
  if (!v.message().empty()) absl::StrAppend(&value, ": ", v.message());
  const std::string reason = ErrorReason(v);
  if (!reason.empty()) absl::StrAppend(&value, " (", reason, ")");
}

void Log(LogLevel level, absl::string_view message, const std::vector<LogField>& fields) {
  Sink& sink = TheSink();
  const std::string time = absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::Now(), absl::UTCTimeZone());
  MutexLock lock(sink.mu);
  if (level < sink.level) return;
  const std::string json = sink.json || sink.file.valid() ? JsonLine(time, level, message, fields) : "";
  WriteLine(STDERR_FILENO, sink.json ? json : TextLine(time, level, message, fields));
  if (sink.file.valid()) WriteLine(sink.file.get(), json);
}

absl::Status InitLog(const LogOptions& options) {
  OpenMissingStandardStreams();
  FileDescriptor file;
  if (!options.file.empty()) {
    const absl::string_view what = "cannot open the log file ";
    file = FileDescriptor(open(options.file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600));
    if (!file.valid()) return ErrnoToStatus(errno, absl::StrCat(what, options.file));
    struct stat info;
    if (fstat(file.get(), &info) != 0) return ErrnoToStatus(errno, absl::StrCat(what, options.file));
    if (!S_ISREG(info.st_mode) && !S_ISCHR(info.st_mode)) {
      return MakeError(absl::StatusCode::kInvalidArgument, "LOG_FILE_INVALID",
                       absl::StrCat(what, CleanText(options.file), ": it is neither a file nor a device"));
    }
  }
  Sink& sink = TheSink();
  MutexLock lock(sink.mu);
  sink.level = options.level;
  sink.json = options.force_json || isatty(STDERR_FILENO) == 0;
  sink.file = std::move(file);
  return absl::OkStatus();
}

bool LogLimiter::ShouldLog(absl::Duration now_monotonic, int64_t* suppressed_count) {
  MutexLock lock(mu_);
  if (now_monotonic - last_ < period_) {
    ++suppressed_;
    return false;
  }
  last_ = now_monotonic;
  *suppressed_count = std::exchange(suppressed_, 0);
  return true;
}

}  // namespace backup
