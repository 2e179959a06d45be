// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "agent/pipeline/encoder.h"
#include "agent/pipeline/job.h"
#include "agent/pipeline/manifest_file.h"
#include "agent/pipeline/sha256_sums.h"
#include "agent/pipeline/testing/directory.h"
#include "agent/pipeline/testing/recording_observer.h"
#include "agent/pipeline/testing/sample_artifact.h"
#include "base/file.h"
#include "base/x509.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace backup::agent {
namespace {

namespace fs = std::filesystem;
using agent::testing::ForgeManifest;
using agent::testing::MakeSampleArtifact;
using agent::testing::OpenDescriptorCount;
using agent::testing::RecordingObserver;
using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::TempDir;
using ::testing::HasSubstr;

constexpr char kId[] = "20261123T220000Z-7k3m9q2x4d";

absl::StatusOr<VerifyOutcome> Verify(const std::string& path, const std::string& manifest_sha256 = "") {
  VerifyRequest request;
  request.artifact_directory = path;
  request.manifest_sha256 = manifest_sha256;
  // Thousands of small files: the disk would only make it slow.
  request.drop_page_cache = false;
  RecordingObserver observer;
  Cancellation cancellation;
  return VerifyArtifact(request, Clock::Real(), observer, cancellation);
}

std::string Read(const std::string& path) { return ReadFile(path, 10 << 20).value_or("unreadable"); }

void Write(const std::string& path, const std::string& contents) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << contents;
}

class VerifyArtifactTest : public ::testing::TestWithParam<v1::Codec> {
 protected:
  VerifyArtifactTest() { path_ = MakeSampleArtifact(dir_.path(), "local", "shop", kId, GetParam()); }
  std::string DumpName() const { return absl::StrCat("dump.sql", FileExtension(GetParam())); }
  std::string File(const std::string& name) const { return path_ + "/" + name; }

  void Forge(const std::function<void(v1::Manifest*)>& change) { ForgeManifest(path_, change); }

  TempDir dir_;
  std::string path_;
};

INSTANTIATE_TEST_SUITE_P(Codecs, VerifyArtifactTest, ::testing::Values(v1::GZIP, v1::ZSTD, v1::NONE),
                         [](const auto& info) { return v1::Codec_Name(info.param); });

TEST_P(VerifyArtifactTest, AnUntouchedArtifactAgrees) {
  const int before = OpenDescriptorCount();
  auto outcome = Verify(path_);
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(outcome->manifest.backup_id(), kId);
  EXPECT_EQ(outcome->manifest_sha256, Sha256Hex(Read(File("manifest.json"))));
  EXPECT_THAT(Verify(path_ + "/"), IsOk());
  EXPECT_THAT(Verify(path_, outcome->manifest_sha256), IsOk());
  EXPECT_EQ(OpenDescriptorCount(), before);
}

TEST_P(VerifyArtifactTest, EveryTruncationOfEveryFileIsFound) {
  for (const std::string& name : agent::testing::NamesIn(path_)) {
    const std::string whole = Read(File(name));
    for (size_t size = 0; size < whole.size(); ++size) {
      Write(File(name), whole.substr(0, size));
      auto outcome = Verify(path_);
      ASSERT_THAT(outcome, HasReason("CORRUPT")) << name << " cut at " << size;
      ASSERT_THAT(std::string(outcome.status().message()),
                  ::testing::AnyOf(HasSubstr(name), HasSubstr("manifest.json")));
    }
    Write(File(name), whole);
  }
  EXPECT_THAT(Verify(path_), IsOk());
}

TEST_P(VerifyArtifactTest, EveryBitFlipOfEveryFileIsFound) {
  for (const std::string& name : agent::testing::NamesIn(path_)) {
    const std::string whole = Read(File(name));
    // Each byte, a different bit of it.
    for (size_t offset = 0; offset < whole.size(); ++offset) {
      std::string flipped = whole;
      flipped[offset] = static_cast<char>(flipped[offset] ^ (1 << (offset % 8)));
      Write(File(name), flipped);
      ASSERT_THAT(Verify(path_), HasReason("CORRUPT")) << name << " byte " << offset;
    }
    Write(File(name), whole);
  }
  EXPECT_THAT(Verify(path_), IsOk());
}

TEST_P(VerifyArtifactTest, AppendedBytesZeroTailsAndHolesAreFound) {
  const std::string whole = Read(File(DumpName()));
  Write(File(DumpName()), whole + "x");
  auto longer = Verify(path_);
  EXPECT_THAT(longer, HasReason("CORRUPT"));
  EXPECT_THAT(std::string(longer.status().message()),
              HasSubstr(absl::StrCat(DumpName(), ": at offset ", whole.size())));
  Write(File(DumpName()), whole + whole);
  EXPECT_THAT(Verify(path_), HasReason("CORRUPT"));
  Write(File(DumpName()), whole.substr(0, whole.size() / 2) + std::string(whole.size() - whole.size() / 2, '\0'));
  EXPECT_THAT(Verify(path_), HasReason("CORRUPT"));
  Write(File(DumpName()), "");
  fs::resize_file(File(DumpName()), whole.size());
  EXPECT_THAT(Verify(path_), HasReason("CORRUPT"));
}

TEST_P(VerifyArtifactTest, MissingAndExtraFilesAreFound) {
  for (const std::string& name : agent::testing::NamesIn(path_)) {
    fs::rename(File(name), dir_.File("aside"));
    auto outcome = Verify(path_);
    EXPECT_THAT(outcome, HasReason("CORRUPT")) << name;
    EXPECT_THAT(std::string(outcome.status().message()), HasSubstr(name));
    EXPECT_EQ(outcome.status().code(), absl::StatusCode::kNotFound);
    fs::rename(dir_.File("aside"), File(name));
  }
  Write(File("extra"), "x");
  auto outcome = Verify(path_);
  EXPECT_THAT(outcome, HasReason("CORRUPT"));
  EXPECT_THAT(std::string(outcome.status().message()), HasSubstr("extra"));
  EXPECT_THAT(Verify(dir_.File("nowhere")), HasReason("CORRUPT"));
}

TEST_P(VerifyArtifactTest, WhatIsNoRegularFileNeitherBlocksNorPasses) {
  const std::string dump = File(DumpName());
  fs::rename(dump, dir_.File("aside"));
  ASSERT_EQ(mkfifo(dump.c_str(), 0600), 0);
  EXPECT_THAT(Verify(path_), HasReason("CORRUPT"));
  fs::remove(dump);
  ASSERT_EQ(symlink(dir_.File("aside").c_str(), dump.c_str()), 0);
  EXPECT_THAT(Verify(path_), HasReason("CORRUPT"));
  fs::remove(dump);
  fs::create_directory(dump);
  EXPECT_THAT(Verify(path_), HasReason("CORRUPT"));
  fs::remove(dump);
  fs::rename(dir_.File("aside"), dump);
  fs::remove(File("manifest.json"));
  ASSERT_EQ(mkfifo(File("manifest.json").c_str(), 0600), 0);
  EXPECT_THAT(Verify(path_), HasReason("CORRUPT"));
}

TEST_P(VerifyArtifactTest, ASymlinkToAnArtifactIsNone) {
  const std::string link = dir_.File(kId);
  ASSERT_EQ(symlink(path_.c_str(), link.c_str()), 0);
  EXPECT_THAT(Verify(link), HasReason("CORRUPT"));
  EXPECT_THAT(Verify(link + "/"), HasReason("CORRUPT"));
}

TEST_P(VerifyArtifactTest, AnotherBackupsFilesAreFound) {
  const std::string other = MakeSampleArtifact(dir_.path(), "local", "shop", "20261124T220000Z-7k3m9q2x4d", GetParam());
  // The whole directory under a wrong name.
  fs::rename(path_, dir_.File("aside"));
  fs::rename(other, path_);
  auto outcome = Verify(path_);
  EXPECT_THAT(outcome, HasReason("CORRUPT"));
  EXPECT_THAT(std::string(outcome.status().message()), HasSubstr("20261124T220000Z"));
  // Two files of one backup swapped.
  fs::remove_all(path_);
  fs::rename(dir_.File("aside"), path_);
  ASSERT_THAT(Verify(path_), IsOk());
  const std::string globals = absl::StrReplaceAll(DumpName(), {{"dump", "globals"}, {".zst", ".gz"}});
  fs::rename(File(DumpName()), dir_.File("aside"));
  fs::rename(File(globals), File(DumpName()));
  fs::rename(dir_.File("aside"), File(globals));
  EXPECT_THAT(Verify(path_), HasReason("CORRUPT"));
}

TEST_P(VerifyArtifactTest, TheCatalogsHashFindsWhatTheSumsDoNot) {
  const std::string original = Sha256Hex(Read(File("manifest.json")));
  Forge([](v1::Manifest* manifest) { manifest->set_agent("someone-else"); });
  EXPECT_THAT(Verify(path_), IsOk());
  EXPECT_THAT(Verify(path_, original), HasReason("CORRUPT"));
}

TEST_P(VerifyArtifactTest, AForgedManifestDoesNotAgreeWithTheDump) {
  const std::string manifest_text = Read(File("manifest.json"));
  const std::string sums_text = Read(File("SHA256SUMS"));
  const std::function<void(v1::Manifest*)> changes[] = {
      [](v1::Manifest* m) { m->mutable_tables(0)->set_row_count(49); },
      [](v1::Manifest* m) { m->mutable_tables(0)->set_plain_bytes(m->tables(0).plain_bytes() - 1); },
      [](v1::Manifest* m) { m->mutable_tables(0)->set_content_hash(std::string(32, 'a')); },
      [](v1::Manifest* m) { m->mutable_tables(0)->set_name("other"); },
      [](v1::Manifest* m) { m->mutable_tables(0)->set_schema("other"); },
      [](v1::Manifest* m) { m->mutable_tables(0)->set_plain_offset(1); },
      [](v1::Manifest* m) { m->mutable_tables()->RemoveLast(); },
      [](v1::Manifest* m) { m->mutable_tables()->Clear(); },
      [](v1::Manifest* m) { m->mutable_sequences(0)->set_last_value(1); },
      [](v1::Manifest* m) { m->mutable_sequences(0)->set_is_called(false); },
      [](v1::Manifest* m) { m->mutable_sequences()->RemoveLast(); },
      [](v1::Manifest* m) { m->set_schema_fingerprint(std::string(64, 'a')); },
      [](v1::Manifest* m) { m->add_roles("zorro"); },
      [](v1::Manifest* m) { m->mutable_files(1)->set_plain_bytes(m->files(1).plain_bytes() + 1); },
      [](v1::Manifest* m) { m->mutable_files(1)->set_stored_bytes(m->files(1).stored_bytes() + 1); },
      [](v1::Manifest* m) { m->mutable_files(1)->set_plain_sha256(std::string(64, 'a')); },
      [](v1::Manifest* m) { m->mutable_files(1)->set_stored_sha256(std::string(64, 'a')); },
      [](v1::Manifest* m) { m->mutable_files(1)->set_member_count(99); },
      [](v1::Manifest* m) { m->mutable_files()->RemoveLast(); },
  };
  int number = 0;
  for (const auto& change : changes) {
    Forge(change);
    EXPECT_THAT(Verify(path_), HasReason("CORRUPT")) << "change " << number;
    ++number;
    Write(File("manifest.json"), manifest_text);
    Write(File("SHA256SUMS"), sums_text);
  }
  EXPECT_THAT(Verify(path_), IsOk());
}

TEST_P(VerifyArtifactTest, ReportsProgressAndCanBeCancelled) {
  VerifyRequest request;
  request.artifact_directory = path_;
  RecordingObserver observer;
  Cancellation cancellation;
  ASSERT_THAT(VerifyArtifact(request, Clock::Real(), observer, cancellation), IsOk());
  EXPECT_EQ(observer.phases(), std::vector<v1::RunPhase>({v1::VERIFYING}));
  cancellation.Cancel("enough");
  auto outcome = VerifyArtifact(request, Clock::Real(), observer, cancellation);
  EXPECT_THAT(outcome, HasReason("CANCELLED_BY_USER"));
}

TEST(VerifyIndexTest, AnIndexOfOtherMembersIsFound) {
  TempDir dir;
  const std::string path = MakeSampleArtifact(dir.path(), "local", "shop", kId);
  auto manifest = ParseManifest(Read(path + "/manifest.json"));
  ASSERT_THAT(manifest, IsOk());
  std::string index = Read(path + "/dump.sql.gz.gzi");
  index[8] = static_cast<char>(index[8] + 1);
  Write(path + "/dump.sql.gz.gzi", index);
  for (v1::ArtifactFile& file : *manifest->mutable_files()) {
    if (file.name() == "dump.sql.gz.gzi") {
      file.set_stored_sha256(Sha256Hex(index));
      file.set_plain_sha256(Sha256Hex(index));
    }
  }
  std::map<std::string, std::string> sums;
  for (const v1::ArtifactFile& file : manifest->files()) {
    sums[file.name()] = file.stored_sha256();
  }
  Write(path + "/manifest.json", FormatManifest(*manifest));
  sums["manifest.json"] = Sha256Hex(FormatManifest(*manifest));
  Write(path + "/SHA256SUMS", FormatSums(sums));
  auto outcome = Verify(path);
  EXPECT_THAT(outcome, HasReason("CORRUPT"));
  EXPECT_THAT(std::string(outcome.status().message()), HasSubstr("dump.sql.gz: at offset 0, where member 1 begins"));
}

}  // namespace
}  // namespace backup::agent
