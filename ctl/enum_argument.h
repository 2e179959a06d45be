// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <google/protobuf/descriptor.h>

#include <string>

#include "absl/status/statusor.h"

namespace backup::ctl {

// Number of the value that a person names in any case: "failed" gives that of FAILED. INVALID_ARGUMENT WRONG_USAGE with
// all words for any other, and for the one that means "not said".
absl::StatusOr<int> ParseEnumWord(const std::string& word, const google::protobuf::EnumDescriptor& type);

}  // namespace backup::ctl
