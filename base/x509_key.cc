// SPDX-License-Identifier: Apache-2.0
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/sha.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/x509.h"
#include "base/x509_internal.h"

namespace backup {
namespace x509 {
namespace {

constexpr size_t kMaxPemBytes = 16 << 10;
constexpr char kCurve[] = "prime256v1";

// Without a callback OpenSSL would ask for the passphrase on the terminal.
int NoPassphrase(char*, int, int, void*) { return -1; }

template <typename Pointer, typename Read>
absl::StatusOr<Pointer> ReadPem(absl::string_view pem, absl::string_view what, Read read) {
  if (pem.size() > kMaxPemBytes) return Invalid(absl::StrCat(what, " is larger than 16 KiB"));
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (bio == nullptr) return OpenSslFault("cannot read PEM");
  Pointer object(read(bio.get(), nullptr, NoPassphrase, nullptr));
  ERR_clear_error();
  if (object == nullptr) return Invalid(absl::StrCat(what, " is not readable as PEM"));
  return object;
}

}  // namespace

absl::Status Invalid(absl::string_view why) {
  ERR_clear_error();
  return MakeError(absl::StatusCode::kInvalidArgument, "X509_INVALID", why);
}

absl::Status OpenSslFault(absl::string_view what) {
  char why[256] = "no reason given";
  if (const auto code = ERR_get_error(); code != 0) ERR_error_string_n(code, why, sizeof(why));
  ERR_clear_error();
  return MakeError(absl::StatusCode::kInternal, "X509_INTERNAL", absl::StrCat(what, ": ", why));
}

absl::StatusOr<KeyPtr> ReadPrivateKey(absl::string_view pem) {
  return ReadPem<KeyPtr>(pem, "the private key", PEM_read_bio_PrivateKey);
}

absl::StatusOr<KeyPtr> ReadPublicKey(absl::string_view pem) {
  return ReadPem<KeyPtr>(pem, "the public key", PEM_read_bio_PUBKEY);
}

absl::StatusOr<RequestPtr> ReadRequest(absl::string_view pem) {
  return ReadPem<RequestPtr>(pem, "the certificate signing request", PEM_read_bio_X509_REQ);
}

absl::StatusOr<CertificatePtr> ReadCertificate(absl::string_view pem) {
  return ReadPem<CertificatePtr>(pem, "the certificate", PEM_read_bio_X509);
}

absl::Status CheckP256(EVP_PKEY* key) {
  char curve[64] = {};
  if (key == nullptr || EVP_PKEY_get_base_id(key) != EVP_PKEY_EC ||
      EVP_PKEY_get_group_name(key, curve, sizeof(curve), nullptr) != 1 || absl::string_view(curve) != kCurve) {
    return Invalid("the key is not an ECDSA key on P-256");
  }
  return absl::OkStatus();
}

std::string Contents(BIO* bio) {
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio, &data);
  return size > 0 ? std::string(data, static_cast<size_t>(size)) : std::string();
}

absl::StatusOr<std::string> WritePublicKey(EVP_PKEY* key) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || PEM_write_bio_PUBKEY(bio.get(), key) != 1) return OpenSslFault("cannot write a public key");
  return Contents(bio.get());
}

}  // namespace x509

using namespace x509;  // NOLINT(google-build-using-namespace): the other half of this file.

absl::StatusOr<std::string> GeneratePrivateKey() {
  const KeyPtr key(EVP_EC_gen(kCurve));
  if (key == nullptr) return OpenSslFault("cannot make a key");
  // Secure memory is wiped when it is freed.
  const BioPtr bio(BIO_new(BIO_s_secmem()));
  if (bio == nullptr ||
      PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return OpenSslFault("cannot write a private key");
  }
  return Contents(bio.get());
}

absl::StatusOr<std::string> PublicKeyOfPrivateKey(absl::string_view private_key) {
  ASSIGN_OR_RETURN(const KeyPtr key, ReadPrivateKey(private_key));
  RETURN_IF_ERROR(CheckP256(key.get()));
  return WritePublicKey(key.get());
}

std::string Sha256Hex(absl::string_view data) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(data.data()), data.size(), digest);
  return absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(digest), sizeof(digest)));
}

}  // namespace backup
