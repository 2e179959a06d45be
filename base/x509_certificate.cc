// SPDX-License-Identifier: Apache-2.0
#include <openssl/rand.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "base/x509.h"
#include "base/x509_internal.h"

namespace backup {

using namespace x509;  // NOLINT(google-build-using-namespace): the parts of this file's header.

namespace {

bool IsPrintableAscii(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), absl::ascii_isgraph);
}

absl::Status Add(X509* certificate, int nid, void* value, bool critical) {
  if (X509_add1_ext_i2d(certificate, nid, value, critical ? 1 : 0, X509V3_ADD_DEFAULT) == 1) return absl::OkStatus();
  return OpenSslFault("cannot add an extension");
}

// Built as objects and not from OpenSSL's configuration strings, so that no name can say more than itself.
absl::Status AddName(GENERAL_NAMES* names, int type, absl::string_view text) {
  if (!IsPrintableAscii(text)) {
    return Invalid(absl::StrCat("\"", CleanText(text, 100), "\" cannot stand in a certificate"));
  }
  NamePtr name(GENERAL_NAME_new());
  ASN1_STRING* value = nullptr;
  if (type == GEN_IPADD) {
    value = a2i_IPADDRESS(std::string(text).c_str());
    if (value == nullptr) return Invalid(absl::StrCat("\"", CleanText(text, 100), "\" is not an IP address"));
  } else {
    value = ASN1_IA5STRING_new();
    if (value == nullptr || ASN1_STRING_set(value, text.data(), static_cast<int>(text.size())) != 1) {
      ASN1_STRING_free(value);
      return OpenSslFault("cannot make a name");
    }
  }
  if (name == nullptr) {
    ASN1_STRING_free(value);
    return OpenSslFault("cannot make a name");
  }
  GENERAL_NAME_set0_value(name.get(), type, value);
  if (sk_GENERAL_NAME_push(names, name.get()) <= 0) return OpenSslFault("cannot make a name");
  static_cast<void>(name.release());  // The list owns it.
  return absl::OkStatus();
}

absl::Status AddSubjectAltNames(X509* certificate, const CertificateSpec& spec) {
  const NamesPtr names(GENERAL_NAMES_new());
  if (names == nullptr) return OpenSslFault("cannot make names");
  for (const std::string& uri : spec.uris) RETURN_IF_ERROR(AddName(names.get(), GEN_URI, uri));
  for (const std::string& dns : spec.dns_names) RETURN_IF_ERROR(AddName(names.get(), GEN_DNS, dns));
  for (const std::string& ip : spec.ip_addresses) RETURN_IF_ERROR(AddName(names.get(), GEN_IPADD, ip));
  if (sk_GENERAL_NAME_num(names.get()) == 0) return absl::OkStatus();
  return Add(certificate, NID_subject_alt_name, names.get(), false);
}

absl::Status AddUsage(X509* certificate, const CertificateSpec& spec) {
  const std::unique_ptr<BASIC_CONSTRAINTS, Deleter<BASIC_CONSTRAINTS_free>> constraints(BASIC_CONSTRAINTS_new());
  const std::unique_ptr<ASN1_BIT_STRING, Deleter<ASN1_BIT_STRING_free>> usage(ASN1_BIT_STRING_new());
  const std::unique_ptr<EXTENDED_KEY_USAGE, Deleter<EXTENDED_KEY_USAGE_free>> extended(EXTENDED_KEY_USAGE_new());
  if (constraints == nullptr || usage == nullptr || extended == nullptr) return OpenSslFault("cannot make extensions");
  constraints->ca = spec.is_ca ? 0xff : 0;
  RETURN_IF_ERROR(Add(certificate, NID_basic_constraints, constraints.get(), true));
  // RFC 5280, 4.2.1.3: bit 0 is digitalSignature, 5 keyCertSign, 6 cRLSign.
  for (const int bit : spec.is_ca ? std::vector<int>{5, 6} : std::vector<int>{0}) {
    ASN1_BIT_STRING_set_bit(usage.get(), bit, 1);
  }
  RETURN_IF_ERROR(Add(certificate, NID_key_usage, usage.get(), true));
  if (spec.server_auth) sk_ASN1_OBJECT_push(extended.get(), OBJ_nid2obj(NID_server_auth));
  if (spec.client_auth) sk_ASN1_OBJECT_push(extended.get(), OBJ_nid2obj(NID_client_auth));
  if (sk_ASN1_OBJECT_num(extended.get()) == 0) return absl::OkStatus();
  return Add(certificate, NID_ext_key_usage, extended.get(), false);
}

// Subject and authority key identifiers; these two OpenSSL works out itself.
absl::Status AddKeyIdentifiers(X509* certificate, X509* issuer) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  for (const auto& [nid, value] :
       {std::pair{NID_subject_key_identifier, "hash"}, std::pair{NID_authority_key_identifier, "keyid:always"}}) {
    const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
    if (extension == nullptr || X509_add_ext(certificate, extension.get(), -1) != 1) {
      return OpenSslFault("cannot add a key identifier");
    }
  }
  return absl::OkStatus();
}

absl::Status SetSerial(X509* certificate) {
  unsigned char bytes[16];
  if (RAND_bytes(bytes, sizeof(bytes)) != 1) return OpenSslFault("cannot make a serial number");
  // RFC 5280, 4.1.2.2: positive, at most 20 bytes.
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7f) | 0x40);
  const BignumPtr number(BN_bin2bn(bytes, sizeof(bytes), nullptr));
  if (number == nullptr || BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) == nullptr) {
    return OpenSslFault("cannot make a serial number");
  }
  return absl::OkStatus();
}

absl::Status SetBasics(X509* certificate, const CertificateSpec& spec, EVP_PKEY* subject_key) {
  if (spec.common_name.size() > 64 || CleanText(spec.common_name) != spec.common_name) {
    return Invalid("the common name is longer than 64 bytes or holds control characters");
  }
  if (spec.not_after <= spec.not_before) return Invalid("the certificate would end before it begins");
  X509_NAME* const name = X509_get_subject_name(certificate);
  const auto* text = reinterpret_cast<const unsigned char*>(spec.common_name.data());
  const int size = static_cast<int>(spec.common_name.size());
  if (X509_set_version(certificate, X509_VERSION_3) != 1 || X509_set_pubkey(certificate, subject_key) != 1 ||
      (size > 0 && X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, text, size, -1, 0) != 1) ||
      ASN1_TIME_set(X509_getm_notBefore(certificate), absl::ToTimeT(spec.not_before)) == nullptr ||
      ASN1_TIME_set(X509_getm_notAfter(certificate), absl::ToTimeT(spec.not_after)) == nullptr) {
    return OpenSslFault("cannot fill in a certificate");
  }
  return SetSerial(certificate);
}

}  // namespace

absl::StatusOr<std::string> IssueCertificate(const CertificateSpec& spec, absl::string_view public_key,
                                             absl::string_view issuer_certificate,
                                             absl::string_view issuer_private_key) {
  ASSIGN_OR_RETURN(const KeyPtr subject_key, ReadPublicKey(public_key));
  ASSIGN_OR_RETURN(const KeyPtr issuer_key, ReadPrivateKey(issuer_private_key));
  RETURN_IF_ERROR(CheckP256(subject_key.get()));
  RETURN_IF_ERROR(CheckP256(issuer_key.get()));
  const CertificatePtr certificate(X509_new());
  if (certificate == nullptr) return OpenSslFault("cannot make a certificate");
  RETURN_IF_ERROR(SetBasics(certificate.get(), spec, subject_key.get()));
  CertificatePtr issuer;
  if (!issuer_certificate.empty()) {
    ASSIGN_OR_RETURN(issuer, ReadCertificate(issuer_certificate));
  }
  X509* const signer = issuer != nullptr ? issuer.get() : certificate.get();
  if (X509_check_private_key(signer, issuer_key.get()) != 1) {
    return Invalid("the issuer's private key does not belong to its certificate");
  }
  if (X509_set_issuer_name(certificate.get(), X509_get_subject_name(signer)) != 1) {
    return OpenSslFault("cannot set the issuer");
  }
  RETURN_IF_ERROR(AddUsage(certificate.get(), spec));
  RETURN_IF_ERROR(AddKeyIdentifiers(certificate.get(), signer));
  RETURN_IF_ERROR(AddSubjectAltNames(certificate.get(), spec));
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || X509_sign(certificate.get(), issuer_key.get(), EVP_sha256()) <= 0 ||
      PEM_write_bio_X509(bio.get(), certificate.get()) != 1) {
    return OpenSslFault("cannot sign a certificate");
  }
  return Contents(bio.get());
}

}  // namespace backup
