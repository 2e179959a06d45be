// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/repository_survey.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "agent/pipeline/repository.h"
#include "agent/pipeline/testing/sample_artifact.h"
#include "base/file.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace backup::agent {
namespace {

using agent::testing::MakeSampleArtifact;
using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::TempDir;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kSurveyedId[] = "20261123T220000Z-7k3m9q2x4d";

class RepositorySurveyTest : public ::testing::Test {
 protected:
  RepositorySurveyTest() : root_(dir_.File("repository")) {
    EXPECT_THAT(Repository::Init(root_, Random::Real(), absl::FromUnixSeconds(1795471200)), IsOk());
    artifact_ = MakeSampleArtifact(root_, "a1", "shop", kSurveyedId);
  }
  void Write(const std::string& path) { ASSERT_THAT(WriteFileAtomically(root_ + "/" + path, "x"), IsOk()); }
  RepositorySurvey Survey() {
    absl::StatusOr<RepositorySurvey> survey = SurveyRepository(root_);
    EXPECT_THAT(survey, IsOk());
    return survey.value_or(RepositorySurvey());
  }

  TempDir dir_;
  const std::string root_;
  std::string artifact_;
};

TEST_F(RepositorySurveyTest, WhatOursMakeIsKnown) {
  auto repository = Repository::Open(root_, "a1", Repository::Access::kDaemon);
  auto by_hand = Repository::Open(root_, "local", Repository::Access::kOneShot);
  ASSERT_THAT(MakeDirectories(absl::StrCat(root_, "/a1/shop/.partial-", kSurveyedId)), IsOk());
  ASSERT_THAT(MakeDirectories(absl::StrCat(root_, "/a1/shop/.removing-", kSurveyedId)), IsOk());
  ASSERT_THAT(MakeDirectories(root_ + "/lost+found"), IsOk());
  EXPECT_EQ(Survey().unknown_count, 0);
}

TEST_F(RepositorySurveyTest, TellsWhatIsNotOursAtEveryLevel) {
  Write("notes.txt");
  Write("a1/list");
  Write("a1/shop/old.sql.gz");
  Write(absl::StrCat("a1/shop/", kSurveyedId, "/extra"));
  ASSERT_THAT(MakeDirectories(root_ + "/a1/shop/holiday/pictures"), IsOk());
  ASSERT_EQ(symlink("/", (root_ + "/a1/elsewhere").c_str()), 0);
  const RepositorySurvey survey = Survey();
  EXPECT_EQ(survey.unknown_count, 6);
  EXPECT_THAT(survey.unknown_paths,
              ElementsAre("a1/elsewhere", "a1/list", absl::StrCat("a1/shop/", kSurveyedId, "/extra"), "a1/shop/holiday",
                          "a1/shop/old.sql.gz", "notes.txt"));
}

TEST_F(RepositorySurveyTest, CountsThemAllAndNamesTwenty) {
  for (int i = 0; i < 30; ++i) Write(absl::StrCat("a1/shop/file", i));
  const RepositorySurvey survey = Survey();
  EXPECT_EQ(survey.unknown_count, 30);
  EXPECT_THAT(survey.unknown_paths, SizeIs(20));
}

TEST_F(RepositorySurveyTest, HostileNamesAreCleaned) {
  Write("a1/shop/\x1b[31mred\n");
  EXPECT_EQ(Survey().unknown_paths.at(0).find('\x1b'), std::string::npos);
  EXPECT_EQ(Survey().unknown_paths.at(0).find('\n'), std::string::npos);
}

TEST_F(RepositorySurveyTest, ADirectoryThatIsNoRepositoryIsNotLookedAt) {
  TempDir other;
  EXPECT_THAT(SurveyRepository(other.path()), HasReason("REPOSITORY_UNAVAILABLE"));
}

}  // namespace
}  // namespace backup::agent
