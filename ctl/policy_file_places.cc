// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/errors.h"
#include "ctl/error_parts.h"
#include "ctl/policy_file.h"

namespace backup::ctl {
namespace {

// Fields whose names in the file are not their lowerCamelCase.
constexpr std::pair<const char*, const char*> kOtherNames[] = {{"maxChangePercent", "maxChange"},
                                                               {"assertions", "assert"}};

std::string LowerCamel(absl::string_view snake) {
  std::string out;
  for (size_t i = 0; i < snake.size(); ++i) {
    if (snake[i] == '_' && i + 1 < snake.size()) {
      out += absl::ascii_toupper(snake[++i]);
    } else {
      out += snake[i];
    }
  }
  return out;
}

}  // namespace

std::string FilePathOfField(absl::string_view field) {
  // Keys of maps are the user's own and stay as they are.
  if (absl::StartsWith(field, "labels")) return absl::StrCat("metadata.", field);
  if (field == "name") return "metadata.name";
  std::vector<std::string> segments;
  bool in_labels = false;
  for (absl::string_view segment : absl::StrSplit(field, '.')) {
    std::string name = in_labels ? std::string(segment) : LowerCamel(segment);
    in_labels = in_labels || name == "labels";
    const size_t bracket = std::min(name.find('['), name.size());
    for (const auto& [theirs, ours] : kOtherNames) {
      if (name.substr(0, bracket) == theirs) name = ours + name.substr(bracket);
    }
    segments.push_back(name);
  }
  return absl::StrJoin(segments, ".");
}

std::string PolicyDocument::Place(absl::string_view path) const {
  std::string wanted(path);
  SourcePosition position = start;
  while (!wanted.empty()) {
    if (const auto it = positions.find(wanted); it != positions.end()) {
      position = it->second;
      break;
    }
    const size_t end = wanted.find_last_of(".[");
    wanted.resize(end == std::string::npos ? 0 : end);
  }
  return absl::StrCat(file, ":", position.line, ":", position.column);
}

absl::Status AtPlaceInFile(const absl::Status& status, const PolicyDocument& document) {
  if (status.code() != absl::StatusCode::kInvalidArgument) return status;
  std::vector<absl::Status> placed;
  for (const absl::Status& error : SplitErrors(status)) {
    std::vector<v1::ErrorInfo> infos = GetErrorInfos(error);
    std::string path;
    std::string message(error.message());
    if (!infos.empty()) {
      const auto field = infos[0].metadata().find("field");
      if (field != infos[0].metadata().end()) {
        path = FilePathOfField(absl::StripPrefix(field->second, "policy."));
        // "spec.schedule.time_zone: why" becomes "spec.schedule.timeZone: why".
        if (absl::StartsWith(message, absl::StrCat(field->second, ": "))) {
          message = absl::StrCat(path, message.substr(field->second.size()));
        }
        (*infos[0].mutable_metadata())["field"] = path;
      }
    }
    absl::Status at(error.code(), absl::StrCat(document.Place(path), ": ", message));
    SetErrorInfos(at, infos);
    placed.push_back(at);
  }
  return JoinErrors(placed);
}

}  // namespace backup::ctl
