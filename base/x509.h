// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace backup {

// Keys, requests and certificates as PEM text (RFC 7468); all keys are ECDSA P-256. Through OpenSSL; pure functions.
// Errors: INVALID_ARGUMENT X509_INVALID for input that is not what it should be; INTERNAL for OpenSSL's own faults.

// A new private key, PKCS #8 PEM. A secret.
absl::StatusOr<std::string> GeneratePrivateKey();

// A certificate signing request (RFC 2986) for `private_key`, with an empty subject: identity is the issuer's affair.
absl::StatusOr<std::string> CreateCsr(absl::string_view private_key);

// The public key of a CSR as PEM, after its self-signature was checked; refuses anything but P-256 and > 16 KiB.
absl::StatusOr<std::string> PublicKeyOfCsr(absl::string_view csr);
// The public key of a private key as PEM.
absl::StatusOr<std::string> PublicKeyOfPrivateKey(absl::string_view private_key);

// What a certificate is to say.
struct CertificateSpec {
  std::string common_name;
  std::vector<std::string> uris;          // subjectAltName URI, e.g. the SPIFFE id.
  std::vector<std::string> dns_names;     // subjectAltName DNS.
  std::vector<std::string> ip_addresses;  // subjectAltName IP, as text.
  bool is_ca = false;
  bool server_auth = false;  // Extended key usage.
  bool client_auth = false;
  absl::Time not_before;
  absl::Time not_after;
};

// Signs. `issuer_certificate` empty means self-signed with `issuer_private_key`. Serial: 16 random bytes.
absl::StatusOr<std::string> IssueCertificate(const CertificateSpec& spec, absl::string_view public_key,
                                             absl::string_view issuer_certificate,
                                             absl::string_view issuer_private_key);

// What a certificate says.
struct CertificateInfo {
  std::string common_name;
  std::vector<std::string> uris;
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;  // As text, in inet_ntop's form.
  bool is_ca = false;
  absl::Time not_before;
  absl::Time not_after;
  std::string serial_hex;
};
absl::StatusOr<CertificateInfo> ParseCertificate(absl::string_view certificate);

// SHA-256 of `data`, lower-case hex.
std::string Sha256Hex(absl::string_view data);

}  // namespace backup
