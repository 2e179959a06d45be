// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <time.h>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "base/status_macros.h"
#include "base/x509.h"
#include "base/x509_internal.h"

namespace backup {

using namespace x509;  // NOLINT(google-build-using-namespace): the parts of this file's header.

namespace {

absl::StatusOr<absl::Time> ReadTime(const ASN1_TIME* time) {
  tm fields = {};
  if (ASN1_TIME_to_tm(time, &fields) != 1) return Invalid("the certificate's dates are not readable");
  return absl::FromTM(fields, absl::UTCTimeZone());
}

absl::string_view Bytes(const ASN1_STRING* text) {
  return absl::string_view(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                           static_cast<size_t>(ASN1_STRING_length(text)));
}

// A name with a NUL or another odd byte inside reads differently to different readers.
absl::StatusOr<std::string> ReadName(const ASN1_STRING* text) {
  const absl::string_view bytes = Bytes(text);
  for (const char c : bytes) {
    if (!absl::ascii_isgraph(c)) return Invalid("the certificate holds a name that is not plain text");
  }
  return std::string(bytes);
}

absl::StatusOr<std::string> ReadIpAddress(const ASN1_STRING* address) {
  const absl::string_view bytes = Bytes(address);
  char text[INET6_ADDRSTRLEN];
  if (bytes.size() != 4 && bytes.size() != 16) return Invalid("the certificate holds an IP address of an odd size");
  inet_ntop(bytes.size() == 4 ? AF_INET : AF_INET6, bytes.data(), text, sizeof(text));
  return std::string(text);
}

absl::StatusOr<std::string> ReadCommonName(const X509* certificate) {
  const X509_NAME* const subject = X509_get_subject_name(certificate);
  const int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (index < 0) return std::string();
  if (X509_NAME_get_index_by_NID(subject, NID_commonName, index) >= 0) {
    return Invalid("the certificate has several common names");
  }
  unsigned char* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)));
  if (size < 0) return Invalid("the certificate's common name is not readable");
  std::string name(reinterpret_cast<char*>(utf8), static_cast<size_t>(size));
  OPENSSL_free(utf8);
  return name;
}

}  // namespace

absl::StatusOr<CertificateInfo> ParseCertificate(absl::string_view certificate) {
  ASSIGN_OR_RETURN(const CertificatePtr x509, ReadCertificate(certificate));
  CertificateInfo info;
  ASSIGN_OR_RETURN(info.common_name, ReadCommonName(x509.get()));
  ASSIGN_OR_RETURN(info.not_before, ReadTime(X509_get0_notBefore(x509.get())));
  ASSIGN_OR_RETURN(info.not_after, ReadTime(X509_get0_notAfter(x509.get())));
  info.serial_hex = absl::BytesToHexString(Bytes(X509_get0_serialNumber(x509.get())));
  info.is_ca = X509_check_ca(x509.get()) == 1;
  const NamesPtr names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(x509.get(), NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_URI) {
      ASSIGN_OR_RETURN(info.uris.emplace_back(), ReadName(name->d.uniformResourceIdentifier));
    } else if (name->type == GEN_DNS) {
      ASSIGN_OR_RETURN(info.dns_names.emplace_back(), ReadName(name->d.dNSName));
    } else if (name->type == GEN_IPADD) {
      ASSIGN_OR_RETURN(info.ip_addresses.emplace_back(), ReadIpAddress(name->d.iPAddress));
    }
  }
  ERR_clear_error();
  return info;
}

}  // namespace backup
