// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace backup::server {

// What the private catalog's cluster needs around it: a user, directories, programs, access rules. See
// embedded_catalog.h for the errors.

// Nothing when we are not root; else `wanted`, which must exist and not be root. CATALOG_USER_MISSING.
absl::StatusOr<std::optional<std::string>> ChooseClusterUser(const std::string& wanted);

// Makes `path` 0700 if missing (directories above it 0755 when somebody else must pass through them, else 0700) and
// gives it to `owner`.
absl::Status MakeOwnedDirectory(const std::string& path, const std::optional<std::string>& owner);

// CATALOG_DIRECTORY_UNREACHABLE, naming the directory that bars the way, when `user` cannot enter `path`.
absl::Status CheckReachable(const std::string& path, const std::optional<std::string>& user);

// Whether a server's socket in `directory` has a path that the kernel takes (107 bytes, unix(7)) and that libpq can
// name: a comma parts hosts there (PostgreSQL manual, 34.1.2).
bool SocketPathFits(absl::string_view directory);
// A private directory with a short path, in /tmp; its path is kept in the file `note`. One that a predecessor left is
// removed.
absl::StatusOr<std::string> MakeShortSocketDirectory(const std::string& note, const std::optional<std::string>& owner);
// Removes the directory that `note` names, and the note. No effect without one.
void RemoveShortSocketDirectory(const std::string& note);

// The bin directory for the cluster's major version, or the newest when there is no cluster yet.
// CATALOG_PROGRAMS_MISSING.
absl::StatusOr<std::string> FindServerPrograms(const std::string& postgresql_root, const std::string& cluster);

// Access rules: the socket only, and by it only ourselves and `owner` as database user `database_user` (PostgreSQL
// manual, 21.2 and 21.9).
absl::Status WriteClusterAccess(const std::string& cluster, absl::string_view database_user,
                                const std::optional<std::string>& owner);

// `name=value` settings for the server's command line.
std::vector<std::string> ServerSettings(const std::string& directory, const std::string& socket_directory);

// Makes sure that no earlier server works on the cluster; the caller holds the data directory, so such a one is an
// orphan. Asks it to end (SIGINT) and waits. Removes postmaster.pid when the process that it names is somebody else by
// now. CATALOG_DIRECTORY_BUSY when it lives on.
absl::Status AwaitPredecessor(const std::string& cluster, absl::Duration timeout);

}  // namespace backup::server
