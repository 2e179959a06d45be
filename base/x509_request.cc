// SPDX-License-Identifier: Apache-2.0
#include "base/status_macros.h"
#include "base/x509.h"
#include "base/x509_internal.h"

namespace backup {

using namespace x509;  // NOLINT(google-build-using-namespace): the parts of this file's header.

absl::StatusOr<std::string> CreateCsr(absl::string_view private_key) {
  ASSIGN_OR_RETURN(const KeyPtr key, ReadPrivateKey(private_key));
  RETURN_IF_ERROR(CheckP256(key.get()));
  const RequestPtr request(X509_REQ_new());
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (request == nullptr || bio == nullptr || X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) != 1 ||
      X509_REQ_set_pubkey(request.get(), key.get()) != 1 ||
      X509_REQ_sign(request.get(), key.get(), EVP_sha256()) <= 0 ||
      PEM_write_bio_X509_REQ(bio.get(), request.get()) != 1) {
    return OpenSslFault("cannot make a certificate signing request");
  }
  return Contents(bio.get());
}

absl::StatusOr<std::string> PublicKeyOfCsr(absl::string_view csr) {
  ASSIGN_OR_RETURN(const RequestPtr request, ReadRequest(csr));
  EVP_PKEY* const key = X509_REQ_get0_pubkey(request.get());
  RETURN_IF_ERROR(CheckP256(key));
  if (X509_REQ_verify(request.get(), key) != 1) {
    return Invalid("the certificate signing request is not signed by its own key");
  }
  return WritePublicKey(key);
}

}  // namespace backup
