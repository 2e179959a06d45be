// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/mutex.h"

namespace backup {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// One key with its value, for a log line.
struct LogField {
  LogField(absl::string_view k, absl::string_view v) : key(k), value(v) {}
  LogField(absl::string_view k, const char* v) : key(k), value(v) {}
  LogField(absl::string_view k, const std::string& v) : key(k), value(v) {}
  LogField(absl::string_view k, absl::Time v) : key(k), value(absl::FormatTime(v, absl::UTCTimeZone())) {}
  LogField(absl::string_view k, absl::Duration v) : key(k), value(absl::FormatDuration(v)) {}
  // "NOT_FOUND: policy "x" not found (POLICY_NOT_FOUND)".
  LogField(absl::string_view k, const absl::Status& v);
  LogField(absl::string_view k, bool v) : key(k), value(v ? "true" : "false") {}
  template <typename T, std::enable_if_t<std::is_arithmetic_v<T> && !std::is_same_v<T, bool>, int> = 0>
  LogField(absl::string_view k, T v) : key(k), value(absl::StrCat(v)) {}

  std::string key;
  std::string value;
};

// Writes one line: time, level, message (lower case), fields. On a terminal `time level message key=value`; otherwise
// one JSON object. Control bytes in values are escaped, so that no value can forge a line. Also appended to the file
// that InitLog named. Thread-safe; a line is written whole.
void Log(LogLevel level, absl::string_view message, const std::vector<LogField>& fields = {});

inline void LogDebug(absl::string_view m, const std::vector<LogField>& f = {}) { Log(LogLevel::kDebug, m, f); }
inline void LogInfo(absl::string_view m, const std::vector<LogField>& f = {}) { Log(LogLevel::kInfo, m, f); }
inline void LogWarning(absl::string_view m, const std::vector<LogField>& f = {}) { Log(LogLevel::kWarning, m, f); }
inline void LogError(absl::string_view m, const std::vector<LogField>& f = {}) { Log(LogLevel::kError, m, f); }

struct LogOptions {
  // Lines below this are dropped. Default: info.
  LogLevel level = LogLevel::kInfo;
  // Lines are also appended here, made 0600. Default: none. Usually the environment's LOG_FILE.
  std::string file;
  // JSON also on a terminal. Default: only when stderr is not one.
  bool force_json = false;
};

// Sets up logging; before it, lines go to stderr by the defaults. Opens /dev/null for each standard stream that is
// closed. INVALID_ARGUMENT LOG_FILE_INVALID or the file's error when `file` cannot be opened. Not thread-safe against
// Log.
absl::Status InitLog(const LogOptions& options);

// Lets one of a flood of equal messages through: ShouldLog is true at most once in `period`, and then tells how
// many were held back since the last time. Thread-safe.
class LogLimiter {
 public:
  explicit LogLimiter(absl::Duration period) : period_(period) {}
  LogLimiter(const LogLimiter&) = delete;
  LogLimiter& operator=(const LogLimiter&) = delete;

  // `now_monotonic` is Clock::Monotonic().
  bool ShouldLog(absl::Duration now_monotonic, int64_t* suppressed_count);

 private:
  const absl::Duration period_;
  Mutex mu_;
  absl::Duration last_ ABSL_GUARDED_BY(mu_) = -absl::InfiniteDuration();
  int64_t suppressed_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace backup
