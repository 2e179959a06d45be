// SPDX-License-Identifier: Apache-2.0
#include "base/x509.h"

#include <gtest/gtest.h>
#include <openssl/rsa.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/x509_internal.h"
#include "tests/testing/matchers.h"

namespace backup {
namespace {

using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::IsOkAndHolds;
using ::backup::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

const absl::Time kNow = absl::FromUnixSeconds(1'795'471'200);

// A request made by hand, as a hostile agent might.
std::string HostileCsr(EVP_PKEY* key, EVP_PKEY* signer, const char* subject_alt_name) {
  const x509::RequestPtr request(X509_REQ_new());
  X509_REQ_set_pubkey(request.get(), key);
  X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(request.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("admin"), -1, -1, 0);
  if (subject_alt_name != nullptr) {
    STACK_OF(X509_EXTENSION)* const extensions = sk_X509_EXTENSION_new_null();
    sk_X509_EXTENSION_push(extensions, X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, subject_alt_name));
    sk_X509_EXTENSION_push(extensions, X509V3_EXT_conf_nid(nullptr, nullptr, NID_basic_constraints, "CA:TRUE"));
    X509_REQ_add_extensions(request.get(), extensions);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
  }
  X509_REQ_sign(request.get(), signer, EVP_sha256());
  const x509::BioPtr bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509_REQ(bio.get(), request.get());
  return x509::Contents(bio.get());
}

CertificateSpec CaSpec() {
  CertificateSpec spec;
  spec.common_name = "test ca";
  spec.is_ca = true;
  spec.not_before = kNow - absl::Hours(1);
  spec.not_after = kNow + absl::Hours(24 * 3650);
  return spec;
}

CertificateSpec AgentSpec() {
  CertificateSpec spec;
  spec.common_name = "db-1";
  spec.uris = {"spiffe://backupctl/agent/db-1"};
  spec.client_auth = true;
  spec.not_before = kNow;
  spec.not_after = kNow + absl::Hours(24 * 365);
  return spec;
}

class X509Test : public ::testing::Test {
 protected:
  void SetUp() override {
    ca_key_ = GeneratePrivateKey().value();
    ca_ = IssueCertificate(CaSpec(), PublicKeyOfPrivateKey(ca_key_).value(), "", ca_key_).value();
    key_ = GeneratePrivateKey().value();
    public_key_ = PublicKeyOfPrivateKey(key_).value();
  }

  // What OpenSSL says of `certificate` for `purpose` under `ca_`.
  std::string Verify(const std::string& certificate, int purpose, absl::Time now) {
    const x509::CertificatePtr root = x509::ReadCertificate(ca_).value();
    const x509::CertificatePtr leaf = x509::ReadCertificate(certificate).value();
    X509_STORE* const store = X509_STORE_new();
    X509_STORE_add_cert(store, root.get());
    X509_STORE_CTX* const context = X509_STORE_CTX_new();
    X509_STORE_CTX_init(context, store, leaf.get(), nullptr);
    X509_STORE_CTX_set_purpose(context, purpose);
    X509_STORE_CTX_set_time(context, 0, absl::ToTimeT(now));
    X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(context), X509_V_FLAG_X509_STRICT);
    const int good = X509_verify_cert(context);
    const std::string result = good == 1 ? "ok" : X509_verify_cert_error_string(X509_STORE_CTX_get_error(context));
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    return result;
  }

  std::string ca_key_, ca_, key_, public_key_;
};

TEST_F(X509Test, MakesKeysOnP256) {
  EXPECT_THAT(key_, StartsWith("-----BEGIN PRIVATE KEY-----\n"));
  EXPECT_NE(key_, ca_key_);
  EXPECT_THAT(x509::CheckP256(x509::ReadPrivateKey(key_).value().get()), IsOk());
}

TEST_F(X509Test, ARequestGivesItsPublicKey) {
  const absl::StatusOr<std::string> csr = CreateCsr(key_);
  ASSERT_THAT(csr, IsOk());
  EXPECT_THAT(*csr, StartsWith("-----BEGIN CERTIFICATE REQUEST-----\n"));
  EXPECT_THAT(PublicKeyOfCsr(*csr), IsOkAndHolds(public_key_));
}

TEST_F(X509Test, WhatARequestClaimsIsIgnored) {
  const x509::KeyPtr key = x509::ReadPrivateKey(key_).value();
  const std::string csr = HostileCsr(key.get(), key.get(), "URI:spiffe://backupctl/user/admin,DNS:backup-controller");
  const absl::StatusOr<std::string> public_key = PublicKeyOfCsr(csr);
  ASSERT_THAT(public_key, IsOkAndHolds(public_key_));

  const absl::StatusOr<std::string> certificate = IssueCertificate(AgentSpec(), *public_key, ca_, ca_key_);

  const absl::StatusOr<CertificateInfo> info = ParseCertificate(*certificate);
  ASSERT_THAT(info, IsOk());
  EXPECT_EQ(info->common_name, "db-1");
  EXPECT_THAT(info->uris, ElementsAre("spiffe://backupctl/agent/db-1"));
  EXPECT_THAT(info->dns_names, IsEmpty());
  EXPECT_FALSE(info->is_ca);
}

TEST_F(X509Test, RefusesARequestSignedByAnotherKey) {
  const x509::KeyPtr key = x509::ReadPrivateKey(key_).value();
  const x509::KeyPtr other = x509::ReadPrivateKey(ca_key_).value();
  EXPECT_THAT(PublicKeyOfCsr(HostileCsr(key.get(), other.get(), nullptr)),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("not signed by its own key")));
}

TEST_F(X509Test, RefusesOtherKindsOfKeys) {
  const x509::KeyPtr keys[] = {x509::KeyPtr(EVP_RSA_gen(1024)), x509::KeyPtr(EVP_RSA_gen(2048)),
                               x509::KeyPtr(EVP_EC_gen("secp384r1")), x509::KeyPtr(EVP_EC_gen("secp256k1"))};
  for (const x509::KeyPtr& key : keys) {
    EXPECT_THAT(PublicKeyOfCsr(HostileCsr(key.get(), key.get(), nullptr)),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("P-256")));
    EXPECT_THAT(IssueCertificate(AgentSpec(), x509::WritePublicKey(key.get()).value(), ca_, ca_key_),
                HasReason("X509_INVALID"));
  }
}

TEST_F(X509Test, RefusesRequestsThatAreNone) {
  const std::string good = CreateCsr(key_).value();
  const std::string cut = good.substr(0, good.size() / 2);
  for (const std::string& text :
       {std::string(), std::string("hello"), cut, ca_, key_, std::string(1 << 20, 'A'),
        absl::StrReplaceAll(good, {{"MI", "NI"}}), good.substr(0, 40) + std::string("\0", 1)}) {
    EXPECT_THAT(PublicKeyOfCsr(text), HasReason("X509_INVALID"));
  }
  EXPECT_THAT(PublicKeyOfCsr(good + std::string(20'000, '\n')),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("larger than 16 KiB")));
}

TEST_F(X509Test, DoesNotAskForAPassphrase) {
  const x509::KeyPtr key = x509::ReadPrivateKey(key_).value();
  const x509::BioPtr bio(BIO_new(BIO_s_mem()));
  const unsigned char secret[] = "secret";
  PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), EVP_aes_256_cbc(), reinterpret_cast<const char*>(secret), 6,
                                nullptr, nullptr);
  EXPECT_THAT(CreateCsr(x509::Contents(bio.get())), HasReason("X509_INVALID"));
}

TEST_F(X509Test, IssuesWhatTheSpecSays) {
  CertificateSpec spec;
  spec.common_name = "größe";
  spec.uris = {"spiffe://backupctl/controller"};
  spec.dns_names = {"backup-controller", "localhost"};
  spec.ip_addresses = {"127.0.0.1", "::1"};
  spec.server_auth = true;
  spec.not_before = kNow;
  spec.not_after = kNow + absl::Hours(1);
  const absl::StatusOr<std::string> certificate = IssueCertificate(spec, public_key_, ca_, ca_key_);
  ASSERT_THAT(certificate, IsOk());
  const absl::StatusOr<CertificateInfo> info = ParseCertificate(*certificate);
  ASSERT_THAT(info, IsOk());
  EXPECT_EQ(info->common_name, "größe");
  EXPECT_THAT(info->uris, ElementsAre("spiffe://backupctl/controller"));
  EXPECT_THAT(info->dns_names, ElementsAre("backup-controller", "localhost"));
  EXPECT_THAT(info->ip_addresses, ElementsAre("127.0.0.1", "::1"));
  EXPECT_EQ(info->not_before, kNow);
  EXPECT_EQ(info->not_after, kNow + absl::Hours(1));
  EXPECT_EQ(info->serial_hex.size(), 32u);
  const std::string again = IssueCertificate(spec, public_key_, ca_, ca_key_).value();
  EXPECT_NE(ParseCertificate(again)->serial_hex, info->serial_hex);
  EXPECT_TRUE(ParseCertificate(ca_)->is_ca);
}

TEST_F(X509Test, OpenSslAgreesOnUseAndTime) {
  const std::string agent = IssueCertificate(AgentSpec(), public_key_, ca_, ca_key_).value();
  EXPECT_EQ(Verify(agent, X509_PURPOSE_SSL_CLIENT, kNow + absl::Hours(1)), "ok");
  EXPECT_NE(Verify(agent, X509_PURPOSE_SSL_SERVER, kNow + absl::Hours(1)), "ok");
  EXPECT_NE(Verify(agent, X509_PURPOSE_SSL_CLIENT, kNow - absl::Hours(1)), "ok");
  EXPECT_NE(Verify(agent, X509_PURPOSE_SSL_CLIENT, kNow + absl::Hours(24 * 366)), "ok");
}

TEST_F(X509Test, ALeafCannotIssue) {
  const std::string agent = IssueCertificate(AgentSpec(), public_key_, ca_, ca_key_).value();
  const absl::StatusOr<std::string> forged = IssueCertificate(AgentSpec(), public_key_, agent, key_);
  ASSERT_THAT(forged, IsOk()) << "signing is not the guard";
  EXPECT_NE(Verify(*forged, X509_PURPOSE_SSL_CLIENT, kNow + absl::Hours(1)), "ok");
}

TEST_F(X509Test, RefusesSpecsThatCannotBe) {
  const auto issue = [&](const CertificateSpec& spec) { return IssueCertificate(spec, public_key_, ca_, ca_key_); };
  CertificateSpec spec = AgentSpec();
  spec.not_after = spec.not_before;
  EXPECT_THAT(issue(spec), HasReason("X509_INVALID"));
  spec = AgentSpec();
  spec.common_name = std::string(65, 'x');
  EXPECT_THAT(issue(spec), HasReason("X509_INVALID"));
  spec = AgentSpec();
  spec.common_name = std::string("a\0b", 3);
  EXPECT_THAT(issue(spec), HasReason("X509_INVALID"));
  for (const std::string& uri : {std::string(), std::string("a b"), std::string("a\0b", 3), std::string("ä")}) {
    spec = AgentSpec();
    spec.uris = {uri};
    EXPECT_THAT(issue(spec), HasReason("X509_INVALID")) << uri;
  }
  spec = AgentSpec();
  spec.uris = {"spiffe://x,DNS:backup-controller"};
  ASSERT_THAT(issue(spec), IsOk());
  EXPECT_THAT(ParseCertificate(issue(spec).value())->dns_names, IsEmpty()) << "a comma begins no new name";
  spec = AgentSpec();
  spec.ip_addresses = {"localhost"};
  EXPECT_THAT(issue(spec), HasReason("X509_INVALID"));
}

TEST_F(X509Test, RefusesAnIssuerWhoseKeyIsAnothers) {
  EXPECT_THAT(IssueCertificate(AgentSpec(), public_key_, ca_, key_), HasReason("X509_INVALID"));
  EXPECT_THAT(IssueCertificate(AgentSpec(), public_key_, "", key_), IsOk()) << "its own: self-signed";
  EXPECT_THAT(IssueCertificate(AgentSpec(), public_key_, "", ca_key_), HasReason("X509_INVALID"));
  EXPECT_THAT(IssueCertificate(AgentSpec(), "x", ca_, ca_key_), HasReason("X509_INVALID"));
}

TEST_F(X509Test, RefusesCertificatesThatAreNone) {
  for (const std::string& text : {std::string(), std::string("x"), key_, ca_.substr(0, 200)}) {
    EXPECT_THAT(ParseCertificate(text), HasReason("X509_INVALID"));
  }
}

TEST_F(X509Test, RefusesANameWithANulInside) {
  // Made by hand: the issuer here would not.
  const x509::KeyPtr key = x509::ReadPrivateKey(key_).value();
  const x509::CertificatePtr certificate(X509_new());
  X509_set_version(certificate.get(), X509_VERSION_3);
  X509_set_pubkey(certificate.get(), key.get());
  ASN1_TIME_set(X509_getm_notBefore(certificate.get()), 0);
  ASN1_TIME_set(X509_getm_notAfter(certificate.get()), 1000);
  const x509::NamesPtr names(GENERAL_NAMES_new());
  GENERAL_NAME* const name = GENERAL_NAME_new();
  ASN1_STRING* const value = ASN1_IA5STRING_new();
  ASN1_STRING_set(value, "spiffe://backupctl/user/admin\0.evil", 35);
  GENERAL_NAME_set0_value(name, GEN_URI, value);
  sk_GENERAL_NAME_push(names.get(), name);
  X509_add1_ext_i2d(certificate.get(), NID_subject_alt_name, names.get(), 0, X509V3_ADD_DEFAULT);
  X509_sign(certificate.get(), key.get(), EVP_sha256());
  const x509::BioPtr bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), certificate.get());
  EXPECT_THAT(ParseCertificate(x509::Contents(bio.get())), HasReason("X509_INVALID"));
}

TEST(Sha256HexTest, MatchesTheStandardsExamples) {
  EXPECT_EQ(Sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace backup
