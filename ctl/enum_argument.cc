// SPDX-License-Identifier: Apache-2.0
#include "ctl/enum_argument.h"

#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/errors.h"

namespace backup::ctl {

absl::StatusOr<int> ParseEnumWord(const std::string& word, const google::protobuf::EnumDescriptor& type) {
  const google::protobuf::EnumValueDescriptor* value = type.FindValueByName(absl::AsciiStrToUpper(word));
  if (value != nullptr && value->number() != 0) return value->number();
  std::vector<std::string> words;
  for (int i = 0; i < type.value_count(); ++i) {
    if (type.value(i)->number() != 0) words.push_back(absl::AsciiStrToLower(type.value(i)->name()));
  }
  return MakeError(absl::StatusCode::kInvalidArgument, "WRONG_USAGE", absl::StrCat("\"", word, "\" is not understood"),
                   absl::StrCat("use one of ", absl::StrJoin(words, ", ")));
}

}  // namespace backup::ctl
