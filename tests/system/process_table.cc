// SPDX-License-Identifier: Apache-2.0
#include "tests/system/process_table.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"

namespace backup::testing {
namespace {

std::string Slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream contents;
  contents << file.rdbuf();
  return contents.str();
}

std::optional<ProcessEntry> ReadProcess(pid_t pid) {
  const std::string directory = "/proc/" + std::to_string(pid);
  const std::string stat = Slurp(directory + "/stat");
  // "PID (NAME) STATE PPID …"; the name may hold blanks and parentheses, so count from its last one.
  const size_t open = stat.find('(');
  const size_t close = stat.rfind(')');
  if (open == std::string::npos || close == std::string::npos || close + 4 > stat.size()) return std::nullopt;
  ProcessEntry entry;
  entry.pid = pid;
  entry.name = stat.substr(open + 1, close - open - 1);
  char state = 0;
  std::istringstream rest(stat.substr(close + 2));
  rest >> state >> entry.parent_pid;
  if (state == 'Z' || state == 'X') return std::nullopt;
  entry.command_line = Slurp(directory + "/cmdline");
  entry.environment = Slurp(directory + "/environ");
  return entry;
}

}  // namespace

std::vector<ProcessEntry> ListProcesses() {
  std::vector<ProcessEntry> processes;
  std::error_code error;
  for (const auto& item : std::filesystem::directory_iterator("/proc", error)) {
    int pid = 0;
    if (!absl::SimpleAtoi(item.path().filename().string(), &pid)) continue;
    if (std::optional<ProcessEntry> entry = ReadProcess(pid)) processes.push_back(*std::move(entry));
  }
  return processes;
}

std::vector<ProcessEntry> ProcessesMentioning(absl::string_view text) {
  std::vector<ProcessEntry> found;
  for (ProcessEntry& process : ListProcesses()) {
    if (process.pid == getpid()) continue;
    if (absl::StrContains(process.command_line, text) || absl::StrContains(process.environment, text)) {
      found.push_back(std::move(process));
    }
  }
  return found;
}

std::vector<ProcessEntry> DescendantsNamed(pid_t ancestor, absl::string_view name) {
  const std::vector<ProcessEntry> processes = ListProcesses();
  std::map<pid_t, pid_t> parents;
  for (const ProcessEntry& process : processes) parents[process.pid] = process.parent_pid;
  std::vector<ProcessEntry> found;
  for (const ProcessEntry& process : processes) {
    if (process.name != std::string(name)) continue;
    for (auto it = parents.find(process.pid); it != parents.end(); it = parents.find(it->second)) {
      if (it->second == ancestor) {
        found.push_back(process);
        break;
      }
    }
  }
  return found;
}

}  // namespace backup::testing
