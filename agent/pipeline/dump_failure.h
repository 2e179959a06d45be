// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "backup/v1/run.pb.h"
#include "base/child_process.h"

namespace backup::agent {

// The one place where the words and codes of PostgreSQL become a typed cause. Pure functions. Texts must already be
// free of secrets; they are cleaned here.

// The cause for an SQLSTATE (PostgreSQL manual, appendix A) of five characters; DUMP_FAILED for one that has no cause
// of its own, and for "".
v1::FailureCause CauseOfSqlState(absl::string_view sqlstate);

// The cause for text that libpq, pg_dump or pg_dumpall wrote; DUMP_FAILED when it says nothing known.
v1::FailureCause CauseOfText(absl::string_view text);

// The next thing to do about `cause`; "" when there is nothing to say in general.
std::string HintFor(v1::FailureCause cause, absl::string_view text);

// A login that failed. libpq tells no SQLSTATE here, so the cause comes from its words.
absl::Status ConnectError(absl::string_view description, absl::string_view libpq_message);

// A statement that failed in a session of ours.
absl::Status QueryError(absl::string_view sqlstate, absl::string_view libpq_message);

// A child that ended badly. `program` is its short name, e.g. "pg_dump".
absl::Status ChildError(absl::string_view program, const ExitStatus& exit,
                        const std::vector<std::string>& stderr_lines);

}  // namespace backup::agent
