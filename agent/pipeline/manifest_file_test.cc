// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/manifest_file.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <functional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "agent/pipeline/restore_text.h"
#include "agent/pipeline/sha256_sums.h"
#include "base/proto_json.h"
#include "tests/testing/matchers.h"

namespace backup::agent {
namespace {

using ::backup::testing::EqualsProto;
using ::backup::testing::HasReason;
using ::backup::testing::IsOkAndHolds;
using ::testing::HasSubstr;
using ::testing::Not;

v1::Manifest Good() {
  const std::string hash(64, 'a');
  v1::Manifest manifest;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      absl::StrReplaceAll(
          R"pb(
            format_version: 1
            backup_id: "20261123T220000Z-7k3m9q2x4d"
            agent: "local"
            database { name: "caf\303\251 \"x\"\n" encoding: "UTF8" collation: "de_DE.UTF-8" ctype: "C" }
            files {
              name: "dump.sql.gz"
              codec: GZIP
              stored_bytes: 5
              plain_bytes: 9
              stored_sha256: "HASH"
              plain_hash: "PLAIN"
              member_count: 1
            }
            files {
              name: "dump.sql.gz.gzi"
              codec: NONE
              stored_bytes: 8
              plain_bytes: 8
              stored_sha256: "HASH"
              plain_sha256: "HASH"
            }
            files {
              name: "globals.sql.gz"
              codec: GZIP
              stored_bytes: 5
              plain_bytes: 9
              stored_sha256: "HASH"
              plain_sha256: "HASH"
              member_count: 1
            }
            tables {
              schema: "public"
              name: "t"
              row_count: 2
              plain_bytes: 4
              plain_offset: 3
              content_hash: "0123456789abcdef0123456789abcdef"
            }
          )pb",
          {{"HASH", hash}, {"PLAIN", hash.substr(0, 32)}}),
      &manifest));
  return manifest;
}

TEST(ManifestFileTest, RoundTrips) {
  const std::string text = FormatManifest(Good());
  EXPECT_EQ(text.back(), '\n');
  EXPECT_THAT(ParseManifest(text), IsOkAndHolds(EqualsProto(Good())));
  EXPECT_EQ(FindDumpFile(Good())->name(), "dump.sql.gz");
  EXPECT_EQ(TotalStoredBytes(Good()), 18);
}

TEST(ManifestFileTest, BadTextIsCorrupt) {
  const std::string text = FormatManifest(Good());
  for (const std::string& bad :
       {std::string(), std::string("null"), std::string("[]"), std::string("{"), text + "x", std::string(100000, '['),
        std::string("{\"formatVersion\": 1e99}"), std::string("{\"formatVersion\": NaN}"), std::string("\xff\xfe{}"),
        absl::StrReplaceAll(text, {{"\"backupId\"", "\"backupID\""}}),
        absl::StrReplaceAll(text, {{"\"9\"", "\"nine\""}}),
        absl::StrReplaceAll(text, {{"\"9\"", "\"9223372036854775808\""}}),
        absl::StrReplaceAll(text, {{"\"9\"", "\"-9\""}}), absl::StrReplaceAll(text, {{"\"GZIP\"", "\"LZMA\""}})}) {
    EXPECT_THAT(ParseManifest(bad), HasReason("CORRUPT")) << bad.substr(0, 200);
  }
}

TEST(ManifestFileTest, EveryPrefixIsCorrupt) {
  const std::string text = FormatManifest(Good());
  for (size_t size = 0; size + 2 < text.size(); ++size) {
    ASSERT_THAT(ParseManifest(text.substr(0, size)), HasReason("CORRUPT")) << size;
  }
}

TEST(ManifestFileTest, ImpossibleValuesAreCorrupt) {
  const std::function<void(v1::Manifest*)> changes[] = {
      [](v1::Manifest* m) { m->set_format_version(0); },
      [](v1::Manifest* m) { m->set_format_version(2); },
      [](v1::Manifest* m) { m->set_backup_id("../x"); },
      [](v1::Manifest* m) { m->set_backup_id(""); },
      [](v1::Manifest* m) { m->clear_files(); },
      [](v1::Manifest* m) { m->mutable_files(0)->set_name("../dump.sql.gz"); },
      [](v1::Manifest* m) { m->mutable_files(0)->set_name("/etc/passwd"); },
      [](v1::Manifest* m) { m->mutable_files(0)->set_name(".hidden.gz"); },
      [](v1::Manifest* m) { m->mutable_files(0)->set_name(""); },
      [](v1::Manifest* m) { m->mutable_files(0)->set_name("manifest.json"); },
      [](v1::Manifest* m) { m->mutable_files(0)->set_name("SHA256SUMS"); },
      [](v1::Manifest* m) { m->mutable_files(0)->set_codec(v1::CODEC_UNSPECIFIED); },
      [](v1::Manifest* m) { m->mutable_files(0)->set_codec(v1::NONE); },
      [](v1::Manifest* m) { m->mutable_files(0)->set_codec(static_cast<v1::Codec>(77)); },
      [](v1::Manifest* m) { m->mutable_files(0)->set_stored_bytes(-1); },
      [](v1::Manifest* m) { m->mutable_files(0)->set_plain_bytes(INT64_MAX); },
      [](v1::Manifest* m) { m->mutable_files(0)->set_member_count(-1); },
      [](v1::Manifest* m) { m->mutable_files(0)->set_stored_sha256(""); },
      [](v1::Manifest* m) { m->mutable_files(1)->set_plain_sha256(std::string(64, 'A')); },
      [](v1::Manifest* m) { m->mutable_files(0)->set_plain_hash(std::string(32, 'A')); },
      [](v1::Manifest* m) { m->mutable_files(0)->clear_plain_hash(); },
      [](v1::Manifest* m) { m->mutable_files(1)->set_plain_bytes(7); },
      [](v1::Manifest* m) { m->mutable_files(1)->set_name("other"); },
      [](v1::Manifest* m) { *m->add_files() = m->files(0); },
      [](v1::Manifest* m) {
        *m->add_files() = m->files(1);
        m->mutable_files(3)->set_name("dump.sql");
      },
      [](v1::Manifest* m) {
        for (int i = 0; i < 200; ++i) {
          *m->add_files() = m->files(1);
          m->mutable_files(m->files_size() - 1)->set_name(absl::StrCat("f", i));
        }
      },
      [](v1::Manifest* m) { m->mutable_tables(0)->set_row_count(-1); },
      [](v1::Manifest* m) { m->mutable_tables(0)->set_row_count(5); },
      [](v1::Manifest* m) { m->mutable_tables(0)->set_plain_offset(-1); },
      [](v1::Manifest* m) { m->mutable_tables(0)->set_content_hash("0"); },
      [](v1::Manifest* m) { *m->add_tables() = m->tables(0); },
  };
  int number = 0;
  for (const auto& change : changes) {
    v1::Manifest manifest = Good();
    change(&manifest);
    EXPECT_THAT(ParseManifest(FormatManifest(manifest)), HasReason("CORRUPT")) << "change " << number;
    ++number;
  }
}

TEST(Sha256SumsTest, RoundTripsAndIsStrict) {
  const std::map<std::string, std::string> sums = {{"a", std::string(64, '0')}, {"b", std::string(64, 'f')}};
  const std::string text = FormatSums(sums);
  EXPECT_EQ(text, absl::StrCat(std::string(64, '0'), "  a\n", std::string(64, 'f'), "  b\n"));
  EXPECT_THAT(ParseSums(text), IsOkAndHolds(sums));
  for (const std::string& bad :
       {text + "x", text + text, text.substr(0, text.size() - 1), absl::StrReplaceAll(text, {{"  a", " *a"}}),
        absl::StrReplaceAll(text, {{"0", "O"}}), std::string("\n"), absl::StrReplaceAll(text, {{"  a\n", "  \n"}})}) {
    EXPECT_THAT(ParseSums(bad), HasReason("CORRUPT")) << bad;
  }
}

TEST(RestoreTextTest, PutsNoNameFromOutsideIntoACommand) {
  v1::Manifest manifest = Good();
  manifest.mutable_database()->set_name("x; rm -rf /\n    rm -rf /\x1b[31m");
  manifest.mutable_database()->set_encoding("UTF8; rm");
  manifest.mutable_database()->set_collation("$(rm)");
  const std::string text = FormatRestoreText(manifest);
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (absl::StartsWith(line, "    ")) {
      EXPECT_THAT(std::string(line), Not(HasSubstr("rm"))) << text;
    }
  }
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, Not(HasSubstr("$(")));
}

}  // namespace
}  // namespace backup::agent
