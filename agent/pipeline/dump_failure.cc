// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/dump_failure.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "agent/pipeline/job_failure.h"
#include "base/text.h"

namespace backup::agent {
namespace {

// Words in the order in which they decide: the first that occurs wins.
struct Words {
  const char* text;
  v1::FailureCause cause;
};
constexpr Words kWords[] = {
    {"aborting because of server version mismatch", v1::VERSION_MISMATCH},
    {"could not obtain lock on", v1::LOCK_TIMEOUT},
    {"canceling statement due to lock timeout", v1::LOCK_TIMEOUT},
    // Only --lock-wait-timeout makes pg_dump's statements time out, and only while it locks tables.
    {"canceling statement due to statement timeout", v1::LOCK_TIMEOUT},
    {"permission denied", v1::PERMISSION},
    {"must be owner of", v1::PERMISSION},
    {"must be superuser", v1::PERMISSION},
    {"query would be affected by row-level security", v1::PERMISSION},
    {"password authentication failed", v1::AUTH},
    {"no password supplied", v1::AUTH},
    {"authentication failed", v1::AUTH},
    {"no pg_hba.conf entry", v1::AUTH},
    {"pg_hba.conf rejects connection", v1::AUTH},
    {"is not permitted to log in", v1::AUTH},
    {"role \"", v1::FAILURE_CAUSE_UNSPECIFIED},  // See below: with "does not exist".
    {"certificate authentication failed", v1::AUTH},
    {"invalid snapshot identifier", v1::WRONG_DATABASE},
    {"cannot import a snapshot from a different database", v1::WRONG_DATABASE},
    {"database \"", v1::FAILURE_CAUSE_UNSPECIFIED},  // The same.
    {"is not currently accepting connections", v1::WRONG_DATABASE},
    {"terminating connection", v1::NETWORK},
    {"server closed the connection", v1::NETWORK},
    {"could not connect to server", v1::NETWORK},
    {"could not translate host name", v1::NETWORK},
    {"could not receive data from server", v1::NETWORK},
    {"could not send data to server", v1::NETWORK},
    {"SSL connection has been closed", v1::NETWORK},
    {"SSL SYSCALL error", v1::NETWORK},
    {"SSL error", v1::NETWORK},
    {"connection not open", v1::NETWORK},
    {"lost synchronization with server", v1::NETWORK},
    {"Connection refused", v1::NETWORK},
    {"Connection timed out", v1::NETWORK},
    {"Connection reset by peer", v1::NETWORK},
    {"No route to host", v1::NETWORK},
    {"Network is unreachable", v1::NETWORK},
    {"timeout expired", v1::NETWORK},
    {"the database system is", v1::NETWORK},
    {"too many clients already", v1::NETWORK},
    {"too many connections for", v1::NETWORK},
    {"remaining connection slots are reserved", v1::NETWORK},
    {"No such file or directory\n\tIs the server running", v1::NETWORK},
    {"Is the server running", v1::NETWORK},
};

// The first line that says what went wrong, without pg_dump's own prefix of context.
std::string MainLine(const std::vector<std::string>& lines) {
  for (const char* mark : {"ERROR:", "FATAL:", "PANIC:", "error:"}) {
    for (const std::string& line : lines) {
      if (absl::StrContains(line, mark)) {
        return line;
      }
    }
  }
  return lines.empty() ? "" : lines.back();
}

// libpq's messages have several lines, such as DETAIL and a question.
std::string OneLine(absl::string_view message) {
  return CleanText(absl::StrReplaceAll(message, {{"\n\t", " "}, {"\n", " "}, {"\t", " "}}), 1000);
}

}  // namespace

v1::FailureCause CauseOfSqlState(absl::string_view sqlstate) {
  const absl::string_view state_class = sqlstate.substr(0, 2);
  if (sqlstate == "42501") return v1::PERMISSION;
  if (state_class == "28") return v1::AUTH;
  if (sqlstate == "3D000") return v1::WRONG_DATABASE;
  if (sqlstate == "55P03") return v1::LOCK_TIMEOUT;
  if (sqlstate == "57014") return v1::TIMEOUT;
  if (state_class == "08" || sqlstate == "57P01" || sqlstate == "57P02" || sqlstate == "57P03" || sqlstate == "57P05" ||
      sqlstate == "53300") {
    return v1::NETWORK;
  }
  return v1::DUMP_FAILED;
}

v1::FailureCause CauseOfText(absl::string_view text) {
  for (const Words& words : kWords) {
    if (!absl::StrContains(text, words.text)) {
      continue;
    }
    if (words.cause != v1::FAILURE_CAUSE_UNSPECIFIED) {
      return words.cause;
    }
    if (absl::StrContains(text, "does not exist") && absl::StrContains(text, "FATAL:")) {
      return absl::string_view(words.text) == "role \"" ? v1::AUTH : v1::WRONG_DATABASE;
    }
  }
  return v1::DUMP_FAILED;
}

std::string HintFor(v1::FailureCause cause, absl::string_view text) {
  switch (cause) {
    case v1::AUTH:
      return "check the user, its password file and the server's pg_hba.conf";
    case v1::PERMISSION:
      if (absl::StrContains(text, "row-level security")) {
        return "give the backup role BYPASSRLS: a dump of the visible rows only would not be a backup";
      }
      return "grant the backup role the right to read it, for all tables at once: GRANT pg_read_all_data TO <role>";
    case v1::LOCK_TIMEOUT:
      return "see in pg_stat_activity who holds the lock, or raise dump.lockTimeout";
    case v1::NETWORK:
      return "check that the server runs and can be reached from this host";
    case v1::VERSION_MISMATCH:
      return "install the PostgreSQL client programs of the server's major version";
    case v1::WRONG_DATABASE:
      return "check the database's name and host in the agent's file";
    case v1::DUMP_FAILED:
      if (absl::StrContains(text, "max_locks_per_transaction") || absl::StrContains(text, "out of shared memory")) {
        return "raise max_locks_per_transaction of the database server: a dump locks every table";
      }
      return absl::StrContains(text, "No space left on device")
                 ? "the database server's own disk is full"
                 : "look into the log of the database server for that time";
    default:
      return "";
  }
}

absl::Status ConnectError(absl::string_view description, absl::string_view libpq_message) {
  v1::FailureCause cause = CauseOfText(libpq_message);
  if (cause == v1::DUMP_FAILED || cause == v1::LOCK_TIMEOUT) {
    cause = v1::NETWORK;
  }
  // "permission denied for database": a right that the login lacks.
  return JobError(cause, absl::StrCat("cannot log in to ", description, ": ", OneLine(libpq_message)),
                  HintFor(cause, libpq_message));
}

absl::Status QueryError(absl::string_view sqlstate, absl::string_view libpq_message) {
  const v1::FailureCause cause = sqlstate.empty() ? CauseOfText(libpq_message) : CauseOfSqlState(sqlstate);
  return JobError(cause, absl::StrCat("a query of the database failed: ", OneLine(libpq_message)),
                  HintFor(cause, libpq_message));
}

absl::Status ChildError(absl::string_view program, const ExitStatus& exit,
                        const std::vector<std::string>& stderr_lines) {
  if (exit.signal != 0) {
    return JobError(v1::DUMP_FAILED, absl::StrCat(program, " ", exit.ToString()),
                    exit.signal == 9 ? "look for the kernel's out-of-memory killer in its log" : "", stderr_lines);
  }
  const std::string all = absl::StrJoin(stderr_lines, "\n");
  const v1::FailureCause cause = CauseOfText(all);
  const std::string line = MainLine(stderr_lines);
  return JobError(cause, absl::StrCat(program, " ", exit.ToString(), line.empty() ? "" : ": ", line),
                  HintFor(cause, all), stderr_lines);
}

}  // namespace backup::agent
