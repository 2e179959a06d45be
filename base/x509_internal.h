// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace backup::x509 {

// OpenSSL's objects, owned; and what the parts of x509.h share. Only for them.

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using RequestPtr = std::unique_ptr<X509_REQ, Deleter<X509_REQ_free>>;
using CertificatePtr = std::unique_ptr<X509, Deleter<X509_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, Deleter<X509_EXTENSION_free>>;
using NamesPtr = std::unique_ptr<GENERAL_NAMES, Deleter<GENERAL_NAMES_free>>;
using NamePtr = std::unique_ptr<GENERAL_NAME, Deleter<GENERAL_NAME_free>>;
using BioPtr = std::unique_ptr<BIO, Deleter<BIO_free_all>>;
using BignumPtr = std::unique_ptr<BIGNUM, Deleter<BN_free>>;

// INVALID_ARGUMENT X509_INVALID.
absl::Status Invalid(absl::string_view why);
// INTERNAL X509_INTERNAL with OpenSSL's own reason; empties its queue.
absl::Status OpenSslFault(absl::string_view what);

// Readers of PEM text of at most 16 KiB; X509_INVALID when it is not one. None ever asks for a passphrase.
absl::StatusOr<KeyPtr> ReadPrivateKey(absl::string_view pem);
absl::StatusOr<KeyPtr> ReadPublicKey(absl::string_view pem);
absl::StatusOr<RequestPtr> ReadRequest(absl::string_view pem);
absl::StatusOr<CertificatePtr> ReadCertificate(absl::string_view pem);

// X509_INVALID unless `key` is on P-256.
absl::Status CheckP256(EVP_PKEY* key);

// What was written to a memory BIO.
std::string Contents(BIO* bio);
absl::StatusOr<std::string> WritePublicKey(EVP_PKEY* key);

}  // namespace backup::x509
