// SPDX-License-Identifier: Apache-2.0
#include "ctl/policy_source.h"

#include <algorithm>
#include <filesystem>
#include <istream>
#include <map>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/errors.h"
#include "base/file.h"
#include "base/status_macros.h"

namespace backup::ctl {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxBytes = 1 << 20;

absl::StatusOr<std::string> ReadStream(std::istream& in) {
  std::string text;
  char buffer[4096];
  while (in.read(buffer, sizeof(buffer)), in.gcount() > 0) {
    text.append(buffer, in.gcount());
    if (text.size() > kMaxBytes) {
      return MakeError(absl::StatusCode::kInvalidArgument, "FILE_TOO_LARGE",
                       "stdin: more than 1 MiB is no policy file");
    }
  }
  return text;
}

// The files that one argument stands for.
absl::StatusOr<std::vector<std::string>> Expand(const std::string& path) {
  std::error_code error;
  if (path == "-" || !fs::is_directory(path, error)) return std::vector<std::string>{path};
  std::vector<std::string> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(path, error)) {
    const std::string extension = entry.path().extension().string();
    if (extension == ".yaml" || extension == ".yml") files.push_back(entry.path().string());
  }
  if (error) return ErrnoToStatus(error.value(), absl::StrCat("cannot read directory ", path));
  if (files.empty()) {
    return MakeError(absl::StatusCode::kInvalidArgument, "NO_POLICY",
                     absl::StrCat("directory ", path, " has no *.yaml file"));
  }
  std::sort(files.begin(), files.end());
  return files;
}

absl::StatusOr<std::vector<PolicyDocument>> LoadOne(const std::string& file, std::istream& in) {
  ASSIGN_OR_RETURN(const std::string text, file == "-" ? ReadStream(in) : ReadFile(file, kMaxBytes));
  return ParsePolicyFile(text, file == "-" ? "stdin" : file);
}

absl::Status CheckUnique(const std::vector<PolicyDocument>& documents) {
  std::map<std::string, std::string> places;
  std::vector<absl::Status> errors;
  for (const PolicyDocument& document : documents) {
    const std::string place = document.Place("metadata.name");
    const auto [it, inserted] = places.emplace(document.policy.name(), place);
    if (inserted) continue;
    errors.push_back(MakeError(absl::StatusCode::kInvalidArgument, "DUPLICATE_POLICY",
                               absl::StrCat(place, ": this policy is there already, at ", it->second),
                               "give one of them another name"));
  }
  return JoinErrors(errors);
}

}  // namespace

absl::StatusOr<std::vector<PolicyDocument>> LoadPolicies(const std::vector<std::string>& paths, std::istream& in) {
  std::vector<PolicyDocument> documents;
  std::vector<absl::Status> errors;
  for (const std::string& path : paths) {
    const absl::StatusOr<std::vector<std::string>> files = Expand(path);
    if (!files.ok()) {
      errors.push_back(files.status());
      continue;
    }
    for (const std::string& file : *files) {
      absl::StatusOr<std::vector<PolicyDocument>> loaded = LoadOne(file, in);
      if (!loaded.ok()) {
        errors.push_back(loaded.status());
        continue;
      }
      std::move(loaded->begin(), loaded->end(), std::back_inserter(documents));
    }
  }
  RETURN_IF_ERROR(JoinErrors(errors));
  RETURN_IF_ERROR(CheckUnique(documents));
  if (documents.empty()) {
    return MakeError(absl::StatusCode::kInvalidArgument, "NO_POLICY",
                     absl::StrCat("there is no policy in ", absl::StrJoin(paths, ", ")),
                     "see backupctl explain policy");
  }
  return documents;
}

}  // namespace backup::ctl
