// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace backup::agent {

// A version of PostgreSQL. Ordered as released.
struct PgVersion {
  // Hundreds count releases with one number, as 1500 for 15; before 10 a release had two: 906 for 9.6. Equal for all
  // minor versions of what is called a major version.
  int branch = 0;
  int minor = 0;
  // NOLINTNEXTLINE(modernize-use-nullptr): said of the zero that the compiler compares with.
  auto operator<=>(const PgVersion&) const = default;
  std::string ToString() const;        // "15.8", "9.6.24".
  std::string BranchToString() const;  // "15", "9.6".
};

// From what `--version` prints: "pg_dump (PostgreSQL) 15.8 (Debian 15.8-0+deb12u1)", "... 17beta1", "... 9.6.24".
// INVALID_ARGUMENT for anything else.
absl::StatusOr<PgVersion> ParseProgramVersion(absl::string_view version_line);
// From server_version_num: 150008, 90624.
PgVersion VersionFromNumber(int server_version_num);

// The client programs of one installation; absolute paths.
struct PgPrograms {
  std::string pg_dump;
  std::string pg_dumpall;
  PgVersion version;
};

struct PgProgramsOptions {
  // Use the programs here and no others; "" to search.
  std::string bindir;
  // Directories to search; a `*` stands for one path component. Default: where packages of PostgreSQL put them.
  std::vector<std::string> search = {"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin",
                                     "/usr/local/bin", "/usr/bin"};
  // How long one `--version` may take.
  absl::Duration version_timeout = absl::Seconds(10);
};

// The installed programs of the server's major version, else of the nearest newer one; of several the newest minor
// version. VERSION_MISMATCH naming the server's version and every one found when there are none, or when those in
// `bindir` are missing, do not answer, or are too old.
absl::StatusOr<PgPrograms> FindPgPrograms(PgVersion server, const PgProgramsOptions& options = {});

}  // namespace backup::agent
