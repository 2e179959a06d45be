// SPDX-License-Identifier: Apache-2.0
#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/text.h"

namespace backup {
namespace {

std::string Quoted(absl::string_view name) { return absl::StrCat("\"", CleanText(name, 256), "\""); }

// "policies/nightly" is nightly to people; names of other forms stay whole.
std::string QuotedId(absl::string_view name) {
  const size_t slash = name.find('/');
  const bool has_two_segments =
      slash != absl::string_view::npos && name.find('/', slash + 1) == absl::string_view::npos;
  return Quoted(has_two_segments ? name.substr(slash + 1) : name);
}

absl::Status NotFound(absl::string_view reason, absl::string_view noun, absl::string_view name,
                      absl::string_view hint) {
  return MakeError(absl::StatusCode::kNotFound, reason, absl::StrCat(noun, " ", QuotedId(name), " not found"), hint,
                   {{std::string(noun), std::string(name)}});
}

}  // namespace

absl::Status InvalidField(absl::string_view field, absl::string_view why, absl::string_view hint) {
  return MakeError(absl::StatusCode::kInvalidArgument, "INVALID_FIELD", absl::StrCat(field, ": ", why), hint,
                   {{"field", std::string(field)}});
}

absl::Status PolicyNotFound(absl::string_view name) {
  return NotFound("POLICY_NOT_FOUND", "policy", name, "see `backupctl policy list`");
}

absl::Status RunNotFound(absl::string_view name) {
  return NotFound("RUN_NOT_FOUND", "run", name, "see `backupctl run list`");
}

absl::Status BackupNotFound(absl::string_view name) {
  return NotFound("BACKUP_NOT_FOUND", "backup", name, "see `backupctl backup list`");
}

absl::Status AgentNotFound(absl::string_view name) {
  return NotFound("AGENT_NOT_FOUND", "agent", name, "see `backupctl agent list`");
}

absl::Status DatabaseNotFound(absl::string_view name) {
  return NotFound("DATABASE_NOT_FOUND", "database", name, "see `backupctl database list`");
}

absl::Status PolicyAlreadyExists(absl::string_view name) {
  return MakeError(absl::StatusCode::kAlreadyExists, "POLICY_ALREADY_EXISTS",
                   absl::StrCat("policy ", QuotedId(name), " already exists"), "use `backupctl apply` to change it",
                   {{"policy", std::string(name)}});
}

absl::Status EtagMismatch(absl::string_view name) {
  return MakeError(absl::StatusCode::kAborted, "ETAG_MISMATCH",
                   absl::StrCat(Quoted(name), " was changed by somebody else since it was read"),
                   "read it again and repeat the change", {{"name", std::string(name)}});
}

absl::Status RunAlreadyEnded(absl::string_view name, absl::string_view state) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "RUN_ALREADY_ENDED",
                   absl::StrCat("run ", QuotedId(name), " has ended already: ", CleanText(state, 64)), "",
                   {{"run", std::string(name)}, {"state", std::string(state)}});
}

absl::Status StaleEpoch(absl::string_view run, int64_t epoch, int64_t current_epoch) {
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "STALE_EPOCH",
      absl::StrCat("run ", QuotedId(run), " is at epoch ", current_epoch, " now, and this is a report of epoch ",
                   epoch),
      "", {{"run", std::string(run)}, {"epoch", absl::StrCat(epoch)}, {"current_epoch", absl::StrCat(current_epoch)}});
}

absl::Status RunHeldByOtherAttempt(absl::string_view run) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "RUN_HELD_BY_OTHER_ATTEMPT",
                   absl::StrCat("run ", QuotedId(run), " is being worked on by another attempt"), "",
                   {{"run", std::string(run)}});
}

absl::Status CatalogUnavailable(absl::string_view why) {
  return MakeError(absl::StatusCode::kUnavailable, "CATALOG_UNAVAILABLE",
                   absl::StrCat("the catalog cannot be reached: ", CleanText(why, 1024)),
                   "try again; if it lasts, look at the controller's log");
}

absl::Status EnrollmentTokenInvalid() {
  return MakeError(absl::StatusCode::kUnauthenticated, "ENROLLMENT_TOKEN_INVALID",
                   "the enrolment token is unknown, used or expired", "make a new one with `backupctl agent enroll`");
}

absl::Status ClientCertificateRequired() {
  return MakeError(absl::StatusCode::kUnauthenticated, "CLIENT_CERTIFICATE_REQUIRED",
                   "this call needs a client certificate of this controller",
                   "see `backupctl context list`; an agent has to enrol first");
}

absl::Status NotAllowed(absl::string_view who, absl::string_view what) {
  return MakeError(absl::StatusCode::kPermissionDenied, "NOT_ALLOWED",
                   absl::StrCat(CleanText(who, 256), " may not ", CleanText(what, 256)), "",
                   {{"who", std::string(who)}, {"what", std::string(what)}});
}

absl::Status OutputFailed() {
  return MakeError(absl::StatusCode::kInternal, "OUTPUT_FAILED", "the output could not be written",
                   "look whether the disk that it goes to is full");
}

}  // namespace backup
