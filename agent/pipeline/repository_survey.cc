// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/repository_survey.h"

#include <fcntl.h>

#include <array>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "agent/pipeline/artifact_files.h"
#include "agent/pipeline/partial_directory.h"
#include "agent/pipeline/repository.h"
#include "agent/pipeline/repository_marker.h"
#include "base/file.h"
#include "base/random.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace backup::agent {
namespace {

constexpr size_t kMaxPaths = 20;
constexpr size_t kMaxPathBytes = 500;

// The levels of a repository: what each holds beside the directories of the next one.
enum Level { kRoot, kAgent, kDatabase, kArtifact };

bool IsFileOfOurs(Level level, absl::string_view name) {
  switch (level) {
    case kRoot:
      return name == kMarkerFile || name == ".agent.lock" || name == "lost+found";
    case kAgent:
      return name == ".lock";
    case kDatabase:
      return false;
    case kArtifact:
      return IsArtifactFile(name);
  }
  return false;
}

bool IsDirectoryOfOurs(Level level, absl::string_view name) {
  switch (level) {
    case kRoot:
    case kAgent:
      return DecodeSegment(name).ok();
    case kDatabase:
      if (!absl::ConsumePrefix(&name, kPartialPrefix)) {
        absl::ConsumePrefix(&name, kRemovingPrefix);
      }
      return IsValidBackupId(name);
    case kArtifact:
      return false;
  }
  return false;
}

class Surveyor {
 public:
  void Look(int directory_fd, Level level, const std::string& path) {
    const absl::StatusOr<std::vector<std::string>> names = ListNames(directory_fd);
    if (!names.ok()) {
      Tell(path);
      return;
    }
    for (const std::string& name : *names) {
      const std::string below = path.empty() ? name : absl::StrCat(path, "/", name);
      if (IsFileOfOurs(level, name)) {
        continue;
      }
      const FileDescriptor fd(openat(directory_fd, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (!fd.valid() || !IsDirectoryOfOurs(level, name)) {
        Tell(below);
      } else {
        Look(fd.get(), static_cast<Level>(level + 1), below);
      }
    }
  }

  RepositorySurvey TakeSurvey() { return std::move(survey_); }

 private:
  void Tell(const std::string& path) {
    ++survey_.unknown_count;
    if (survey_.unknown_paths.size() < kMaxPaths) {
      survey_.unknown_paths.push_back(CleanText(path, kMaxPathBytes));
    }
  }

  RepositorySurvey survey_;
};

}  // namespace

absl::StatusOr<RepositorySurvey> SurveyRepository(const std::string& root) {
  RETURN_IF_ERROR(ReadRepositoryId(root).status());
  ASSIGN_OR_RETURN(const FileDescriptor root_fd, OpenDirectory(AT_FDCWD, root));
  Surveyor surveyor;
  surveyor.Look(root_fd.get(), kRoot, "");
  return surveyor.TakeSurvey();
}

}  // namespace backup::agent
