// SPDX-License-Identifier: Apache-2.0
#include "agent/attempt_key.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/resource_name.h"
#include "base/status_macros.h"

namespace backup::agent {

AttemptKey KeyOf(const v1::DesiredRun& run) { return {run.run(), run.epoch()}; }
AttemptKey KeyOf(const v1::Run& attempt) { return {attempt.name(), attempt.epoch()}; }
AttemptKey KeyOf(const v1::AttemptRef& ref) { return {ref.run(), ref.epoch()}; }

v1::AttemptRef RefOf(const v1::Run& attempt) {
  v1::AttemptRef ref;
  ref.set_run(attempt.name());
  ref.set_attempt_id(attempt.attempt_id());
  ref.set_epoch(attempt.epoch());
  return ref;
}

absl::StatusOr<std::string> AttemptFileName(const AttemptKey& key) {
  ASSIGN_OR_RETURN(const std::string id, ParseRunName(key.first));
  if (key.second < 1) {
    return InvalidField("epoch", "must be at least 1");
  }
  return absl::StrCat(id, ".", key.second);
}

absl::StatusOr<AttemptKey> ParseAttemptFileName(absl::string_view name) {
  const size_t dot = name.find('.');
  AttemptKey key;
  if (dot != absl::string_view::npos && absl::SimpleAtoi(name.substr(dot + 1), &key.second)) {
    key.first = MakeRunName(name.substr(0, dot));
    absl::StatusOr<std::string> made = AttemptFileName(key);
    if (made.ok() && absl::string_view(*made) == name) {
      return key;
    }
  }
  return MakeError(absl::StatusCode::kInvalidArgument, "STATE_FILE_CORRUPT", "the name is not of the form RUN.EPOCH");
}

}  // namespace backup::agent
