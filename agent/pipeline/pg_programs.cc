// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/pg_programs.h"

#include <glob.h>
#include <unistd.h>

#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "agent/pipeline/job_failure.h"
#include "base/child_process.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace backup::agent {
namespace {

std::vector<std::string> ExpandDirectories(const PgProgramsOptions& options) {
  if (!options.bindir.empty()) {
    return {options.bindir};
  }
  std::vector<std::string> directories;
  for (const std::string& pattern : options.search) {
    glob_t found = {};
    if (glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found) == 0) {
      directories.insert(directories.end(), found.gl_pathv, found.gl_pathv + found.gl_pathc);
    }
    globfree(&found);
  }
  return directories;
}

absl::StatusOr<PgVersion> AskVersion(const std::string& program, absl::Duration timeout) {
  ChildOptions options;
  options.argv = {program, "--version"};
  options.environment = {{"PATH", "/usr/bin:/bin"}, {"LC_ALL", "C"}};
  ASSIGN_OR_RETURN(std::string line, RunAndCollect(options, timeout, 4096));
  return ParseProgramVersion(line);
}

absl::StatusOr<PgPrograms> ProgramsIn(const std::string& directory, absl::Duration timeout) {
  PgPrograms programs;
  programs.pg_dump = absl::StrCat(directory, "/pg_dump");
  programs.pg_dumpall = absl::StrCat(directory, "/pg_dumpall");
  ASSIGN_OR_RETURN(programs.version, AskVersion(programs.pg_dump, timeout));
  return programs;
}

std::string DescribeFailure(const std::string& directory, const absl::Status& status) {
  if (absl::IsDeadlineExceeded(status)) {
    return absl::StrCat(directory, "/pg_dump does not answer --version");
  }
  return absl::StrCat(directory, "/pg_dump: ", CleanText(std::string(status.message()), 200));
}

// A newer pg_dump may write what the server itself cannot take back, such as settings that it does not know.
bool IsBetter(const PgVersion& a, const PgVersion& b) { return a.branch != b.branch ? a.branch < b.branch : b < a; }

}  // namespace

std::string PgVersion::BranchToString() const {
  return branch % 100 == 0 ? absl::StrCat(branch / 100) : absl::StrCat(branch / 100, ".", branch % 100);
}

std::string PgVersion::ToString() const { return absl::StrCat(BranchToString(), ".", minor); }

absl::StatusOr<PgVersion> ParseProgramVersion(absl::string_view version_line) {
  const absl::Status invalid =
      MakeError(absl::StatusCode::kInvalidArgument, "VERSION_UNREADABLE",
                absl::StrCat("not a version of PostgreSQL: \"", CleanText(version_line, 100), "\""));
  const size_t mark = version_line.find("(PostgreSQL) ");
  if (mark == absl::string_view::npos) {
    return invalid;
  }
  absl::string_view text = version_line.substr(mark + 13);
  std::vector<int> numbers;
  while (numbers.size() < 3) {
    const size_t length = std::min(text.find_first_not_of("0123456789"), text.size());
    int number = 0;
    if (length == 0 || !absl::SimpleAtoi(text.substr(0, length), &number) || number > 9999) {
      break;
    }
    numbers.push_back(number);
    text.remove_prefix(length);
    if (!absl::ConsumePrefix(&text, ".")) {
      break;
    }
  }
  if (numbers.empty()) {
    return invalid;
  }
  numbers.resize(3, 0);
  if (numbers[0] < 10) {
    return PgVersion{numbers[0] * 100 + numbers[1], numbers[2]};
  }
  return PgVersion{numbers[0] * 100, numbers[1]};
}

PgVersion VersionFromNumber(int server_version_num) {
  if (server_version_num < 100000) {
    return {server_version_num / 100, server_version_num % 100};
  }
  return {server_version_num / 10000 * 100, server_version_num % 10000};
}

absl::StatusOr<PgPrograms> FindPgPrograms(PgVersion server, const PgProgramsOptions& options) {
  std::optional<PgPrograms> best;
  std::vector<std::string> rejected;
  for (const std::string& directory : ExpandDirectories(options)) {
    // Only a directory that was named is worth a complaint when it is empty.
    if (options.bindir.empty() && access(absl::StrCat(directory, "/pg_dump").c_str(), X_OK) != 0) {
      continue;
    }
    absl::StatusOr<PgPrograms> programs = ProgramsIn(directory, options.version_timeout);
    if (!programs.ok()) {
      rejected.push_back(DescribeFailure(directory, programs.status()));
    } else if (programs->version.branch < server.branch) {
      rejected.push_back(absl::StrCat("pg_dump ", programs->version.ToString(), " in ", directory));
    } else if (!best.has_value() || IsBetter(programs->version, best->version)) {
      best = *programs;
    }
  }
  if (best.has_value()) {
    return *std::move(best);
  }
  return JobError(
      v1::VERSION_MISMATCH,
      absl::StrCat("no pg_dump fit for the server, which is version ", server.ToString(),
                   "; found: ", rejected.empty() ? "none" : absl::StrJoin(rejected, "; ")),
      absl::StrCat("install postgresql-client-", server.BranchToString(), " or name the directory with --pg-bindir"));
}

}  // namespace backup::agent
