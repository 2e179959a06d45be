// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "agent/pipeline/pg_session.h"
#include "backup/v1/manifest.pb.h"
#include "base/cancellation.h"

namespace backup::agent {

// Whether `statement`, of pg_dumpall's, makes, describes or grants a role that is not `present` (names in UTF-8):
// CREATE ROLE, ALTER ROLE, COMMENT ON ROLE, and GRANT of a membership that has one at either end. Pure.
bool ConcernsNewRole(absl::string_view statement, const std::set<std::string>& present);

// Runs the globals of a stored artifact, all or nothing. With `present_roles`, those of the server, only what
// concerns others, so that none of them is changed; without, all but tablespaces, for a server of its own. A role that
// is there already is no error. Nothing for an artifact without globals. CORRUPT when the file is not that of the
// manifest.
absl::Status RestoreGlobals(const std::string& artifact_directory, const v1::Manifest& manifest,
                            const std::optional<std::set<std::string>>& present_roles, PgSession& session,
                            Cancellation& cancellation);

}  // namespace backup::agent
