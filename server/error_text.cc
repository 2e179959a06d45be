// SPDX-License-Identifier: Apache-2.0
#include "server/error_text.h"

#include "absl/strings/str_cat.h"
#include "base/errors.h"

namespace backup::server {

std::string ErrorText(const absl::Status& status) {
  std::string text = absl::StrCat("error: ", status.message(), "\n");
  if (const std::string reason = ErrorReason(status); !reason.empty()) {
    absl::StrAppend(&text, "reason: ", reason, "\n");
  }
  if (const std::string hint = ErrorHint(status); !hint.empty()) {
    absl::StrAppend(&text, "hint: ", hint, "\n");
  }
  return text;
}

}  // namespace backup::server
