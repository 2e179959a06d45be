// SPDX-License-Identifier: Apache-2.0
#include "ctl/error_parts.h"

#include <string>

#include "absl/strings/str_split.h"
#include "base/errors.h"

namespace backup::ctl {

std::vector<absl::Status> SplitErrors(const absl::Status& status) {
  if (status.ok()) return {};
  const std::vector<v1::ErrorInfo> infos = GetErrorInfos(status);
  const std::vector<std::string> lines = absl::StrSplit(std::string(status.message()), '\n');
  // One line and one detail for each error; where the numbers differ, they cannot be matched.
  if (infos.size() < 2 || lines.size() != infos.size()) return {status};
  std::vector<absl::Status> errors;
  for (size_t i = 0; i < lines.size(); ++i) {
    absl::Status error(status.code(), lines[i]);
    SetErrorInfos(error, absl::MakeConstSpan(&infos[i], 1));
    errors.push_back(error);
  }
  return errors;
}

}  // namespace backup::ctl
