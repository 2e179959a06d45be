// SPDX-License-Identifier: Apache-2.0
#include "server/pki/certificate_authority.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <optional>

#include "base/file.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace backup::server {
namespace {

using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

constexpr absl::Duration kDay = absl::Hours(24);

int ModeOf(const std::string& path) {
  struct stat info = {};
  EXPECT_EQ(stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 07777;
}

class CertificateAuthorityTest : public ::testing::Test {
 protected:
  CertificateAuthority Load() {
    absl::StatusOr<CertificateAuthority> authority = CertificateAuthority::LoadOrCreate(directory_, clock_.Now());
    EXPECT_THAT(authority, IsOk());
    return *std::move(authority);
  }
  KeyPair Server(const CertificateAuthority& authority) {
    absl::StatusOr<KeyPair> pair = authority.ServerIdentity(subject_, names_, clock_.Now());
    EXPECT_THAT(pair, IsOk());
    return *std::move(pair);
  }

  testing::TempDir dir_;
  const std::string directory_ = dir_.File("pki");
  testing::FakeClock clock_;
  const Subject subject_ = {"backup-controller", "spiffe://backupctl/controller"};
  ServerNames names_ = {{"backup-controller", "localhost"}, {"127.0.0.1", "::1"}};
};

TEST_F(CertificateAuthorityTest, MakesAnAuthorityThatOnlyItsUserCanRead) {
  const CertificateAuthority authority = Load();
  EXPECT_EQ(ModeOf(directory_), 0700);
  EXPECT_EQ(ModeOf(directory_ + "/ca.key"), 0600);
  const absl::StatusOr<CertificateInfo> info = ParseCertificate(authority.certificate());
  ASSERT_THAT(info, IsOk());
  EXPECT_TRUE(info->is_ca);
  EXPECT_EQ(info->not_after, clock_.Now() + CertificateAuthority::kAuthorityLifetime);
  EXPECT_LT(info->not_before, clock_.Now());
}

TEST_F(CertificateAuthorityTest, StaysTheSameOverARestart) {
  const std::string first = Load().certificate();
  clock_.Advance(kDay);
  EXPECT_EQ(Load().certificate(), first);
}

TEST_F(CertificateAuthorityTest, GoesOnWithTheKeyWhenTheCertificateWasNotYetWritten) {
  Load();
  const std::string key = *ReadFile(directory_ + "/ca.key");
  std::filesystem::remove(directory_ + "/ca.crt");
  Load();
  EXPECT_EQ(*ReadFile(directory_ + "/ca.key"), key);
}

TEST_F(CertificateAuthorityTest, RefusesAnAuthorityWithoutItsKey) {
  Load();
  std::filesystem::remove(directory_ + "/ca.key");
  EXPECT_THAT(CertificateAuthority::LoadOrCreate(directory_, clock_.Now()),
              HasReason("CERTIFICATE_AUTHORITY_INCOMPLETE"));
}

TEST_F(CertificateAuthorityTest, RefusesAKeyThatOthersCanRead) {
  Load();
  ASSERT_EQ(chmod((directory_ + "/ca.key").c_str(), 0640), 0);
  EXPECT_THAT(CertificateAuthority::LoadOrCreate(directory_, clock_.Now()), HasReason("PRIVATE_KEY_EXPOSED"));
}

TEST_F(CertificateAuthorityTest, ClosesADirectoryThatWasOpened) {
  Load();
  ASSERT_EQ(chmod(directory_.c_str(), 0755), 0);
  Load();
  EXPECT_EQ(ModeOf(directory_), 0700);
}

TEST_F(CertificateAuthorityTest, RefusesADirectoryThatIsALink) {
  ASSERT_EQ(mkdir(dir_.File("elsewhere").c_str(), 0700), 0);
  ASSERT_EQ(symlink(dir_.File("elsewhere").c_str(), directory_.c_str()), 0);
  EXPECT_THAT(CertificateAuthority::LoadOrCreate(directory_, clock_.Now()), HasReason("NOT_OURS"));
}

TEST_F(CertificateAuthorityTest, RefusesAnAuthorityThatExpired) {
  Load();
  clock_.Advance(CertificateAuthority::kAuthorityLifetime);
  EXPECT_THAT(CertificateAuthority::LoadOrCreate(directory_, clock_.Now()), HasReason("CERTIFICATE_AUTHORITY_EXPIRED"));
}

TEST_F(CertificateAuthorityTest, ServerCertificateNamesWhatItAnswersTo) {
  const KeyPair pair = Server(Load());
  const absl::StatusOr<CertificateInfo> info = ParseCertificate(pair.certificate);
  ASSERT_THAT(info, IsOk());
  EXPECT_THAT(info->uris, ElementsAre("spiffe://backupctl/controller"));
  EXPECT_THAT(info->dns_names, UnorderedElementsAre("backup-controller", "localhost"));
  EXPECT_THAT(info->ip_addresses, UnorderedElementsAre("127.0.0.1", "::1"));
  EXPECT_FALSE(info->is_ca);
  EXPECT_EQ(ModeOf(directory_ + "/server.key"), 0600);
}

TEST_F(CertificateAuthorityTest, ServerCertificateIsKeptWhileItIsGood) {
  const std::string first = Server(Load()).certificate;
  clock_.Advance(kDay * 240);
  EXPECT_EQ(Server(Load()).certificate, first);
}

TEST_F(CertificateAuthorityTest, ServerCertificateIsRenewedInItsLastThird) {
  const std::string first = Server(Load()).certificate;
  clock_.Advance(kDay * 245);
  const std::string second = Server(Load()).certificate;
  EXPECT_NE(second, first);
  EXPECT_EQ(ParseCertificate(second)->not_after, clock_.Now() + CertificateAuthority::kLeafLifetime);
}

TEST_F(CertificateAuthorityTest, ServerCertificateIsRenewedWhenItsNamesChange) {
  const std::string first = Server(Load()).certificate;
  names_.dns_names.emplace_back("backup.example");
  const std::string second = Server(Load()).certificate;
  EXPECT_NE(second, first);
  names_.ip_addresses = {"::1", "127.0.0.1", "127.0.0.1"};
  EXPECT_EQ(Server(Load()).certificate, second) << "the order of names and doubles are no change";
  names_.ip_addresses.emplace_back("192.0.2.7");
  EXPECT_NE(Server(Load()).certificate, second);
}

TEST_F(CertificateAuthorityTest, ServerCertificateIsRenewedWhenTheClockWasSetBackBeforeIt) {
  const CertificateAuthority authority = Load();
  const std::string first = Server(authority).certificate;
  clock_.SetWallTime(clock_.Now() - kDay);
  EXPECT_NE(Server(authority).certificate, first);
}

TEST_F(CertificateAuthorityTest, ServerCertificateHealsAfterACrashBetweenItsFiles) {
  const CertificateAuthority authority = Load();
  Server(authority);
  // As a renewal leaves them that ended after the key.
  std::filesystem::remove(directory_ + "/server.crt");
  ASSERT_THAT(WriteFileAtomically(directory_ + "/server.key", *GeneratePrivateKey()), IsOk());
  const KeyPair pair = Server(authority);
  EXPECT_EQ(*ReadFile(directory_ + "/server.key"), pair.private_key);
  EXPECT_EQ(*ReadFile(directory_ + "/server.crt"), pair.certificate);
  // As a damaged disk leaves them.
  ASSERT_THAT(WriteFileAtomically(directory_ + "/server.crt", "no certificate"), IsOk());
  EXPECT_THAT(ParseCertificate(Server(authority).certificate), IsOk());
}

TEST_F(CertificateAuthorityTest, ANewAuthorityReplacesWhatTheOldOneSigned) {
  CertificateAuthority authority = Load();
  const std::string server = Server(authority).certificate;
  ASSERT_THAT(
      authority.EnsureClientBundle(dir_.File("admin"), {"admin", "spiffe://backupctl/user/admin"}, clock_.Now()),
      IsOk());
  const std::string client = *ReadFile(dir_.File("admin/client.crt"));
  std::filesystem::remove(directory_ + "/ca.crt");
  std::filesystem::remove(directory_ + "/ca.key");
  authority = Load();
  EXPECT_NE(Server(authority).certificate, server);
  ASSERT_THAT(
      authority.EnsureClientBundle(dir_.File("admin"), {"admin", "spiffe://backupctl/user/admin"}, clock_.Now()),
      IsOk());
  EXPECT_NE(*ReadFile(dir_.File("admin/client.crt")), client);
  EXPECT_EQ(*ReadFile(dir_.File("admin/ca.crt")), authority.certificate());
}

TEST_F(CertificateAuthorityTest, ClientBundleIsPrivateAndKept) {
  const CertificateAuthority authority = Load();
  const Subject admin = {"admin", "spiffe://backupctl/user/admin"};
  ASSERT_THAT(authority.EnsureClientBundle(dir_.File("admin"), admin, clock_.Now()), IsOk());
  EXPECT_EQ(ModeOf(dir_.File("admin")), 0700);
  EXPECT_EQ(ModeOf(dir_.File("admin/client.key")), 0600);
  const std::string first = *ReadFile(dir_.File("admin/client.crt"));
  EXPECT_THAT(ParseCertificate(first)->uris, ElementsAre("spiffe://backupctl/user/admin"));
  ASSERT_THAT(authority.EnsureClientBundle(dir_.File("admin"), admin, clock_.Now()), IsOk());
  EXPECT_EQ(*ReadFile(dir_.File("admin/client.crt")), first);
}

TEST_F(CertificateAuthorityTest, ClientCertificateSaysWhatTheIssuerSays) {
  const CertificateAuthority authority = Load();
  const std::string public_key = *PublicKeyOfCsr(*CreateCsr(*GeneratePrivateKey()));
  const absl::StatusOr<std::string> certificate =
      authority.IssueClientCertificate({"db1", "spiffe://backupctl/agent/db1"}, public_key, clock_.Now());
  ASSERT_THAT(certificate, IsOk());
  const absl::StatusOr<CertificateInfo> info = ParseCertificate(*certificate);
  EXPECT_THAT(info->uris, ElementsAre("spiffe://backupctl/agent/db1"));
  EXPECT_EQ(info->not_after, clock_.Now() + CertificateAuthority::kLeafLifetime);
  EXPECT_FALSE(info->is_ca);
}

TEST_F(CertificateAuthorityTest, NothingOutlivesTheAuthority) {
  const CertificateAuthority authority = Load();
  clock_.Advance(CertificateAuthority::kAuthorityLifetime - kDay);
  const absl::StatusOr<CertificateInfo> authority_info = ParseCertificate(authority.certificate());
  const std::string certificate = *authority.IssueClientCertificate(
      {"db1", "spiffe://backupctl/agent/db1"}, *PublicKeyOfPrivateKey(*GeneratePrivateKey()), clock_.Now());
  EXPECT_EQ(ParseCertificate(certificate)->not_after, authority_info->not_after);
}

}  // namespace
}  // namespace backup::server
