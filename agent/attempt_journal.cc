// SPDX-License-Identifier: Apache-2.0
#include "agent/attempt_journal.h"

#include "base/resource_name.h"
#include "base/status_macros.h"

namespace backup::agent {
namespace {

// Empty when `attempt` is what a file called `name` must hold.
std::string WhyCorrupt(const std::string& name, const v1::Run& attempt) {
  absl::StatusOr<AttemptKey> key = ParseAttemptFileName(name);
  if (!key.ok()) {
    return std::string(key.status().message());
  }
  if (KeyOf(attempt) != *key) {
    return "it is about another attempt than its name says";
  }
  if (attempt.attempt_id().empty() || !ParseDatabaseName(attempt.database()).ok() ||
      (!attempt.backup().empty() && !ParseBackupName(attempt.backup()).ok())) {
    return "its attempt, database or backup is missing or malformed";
  }
  return "";
}

}  // namespace

AttemptJournal::AttemptJournal(const std::string& directory, const std::string& corrupt_directory)
    : files_(directory, corrupt_directory) {}

absl::Status AttemptJournal::Write(const v1::Run& attempt) const {
  ASSIGN_OR_RETURN(const std::string name, AttemptFileName(KeyOf(attempt)));
  return files_.Write(name, attempt);
}

absl::Status AttemptJournal::Remove(const AttemptKey& key) const {
  ASSIGN_OR_RETURN(const std::string name, AttemptFileName(key));
  return files_.Remove(name);
}

bool AttemptJournal::Contains(const AttemptKey& key) const {
  const absl::StatusOr<std::string> name = AttemptFileName(key);
  return name.ok() && files_.Contains(*name);
}

absl::StatusOr<std::vector<v1::Run>> AttemptJournal::Load() const {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, files_.Names());
  std::vector<v1::Run> attempts;
  for (const std::string& name : names) {
    v1::Run attempt;
    if (!files_.Read(name, &attempt).ok()) {
      continue;
    }
    if (const std::string why = WhyCorrupt(name, attempt); !why.empty()) {
      RETURN_IF_ERROR(files_.SetAside(name, why));
      continue;
    }
    attempts.push_back(std::move(attempt));
  }
  return attempts;
}

}  // namespace backup::agent
