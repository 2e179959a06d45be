// SPDX-License-Identifier: Apache-2.0
#include "server/pki/certificate_authority.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "server/pki/key_file.h"

namespace backup::server {
namespace {

std::vector<std::string> Sorted(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

bool SaysTheSame(const CertificateInfo& info, const CertificateSpec& wanted) {
  return info.common_name == wanted.common_name && Sorted(info.uris) == Sorted(wanted.uris) &&
         Sorted(info.dns_names) == Sorted(wanted.dns_names) && Sorted(info.ip_addresses) == Sorted(wanted.ip_addresses);
}

// Below a third it is renewed; also when the clock was set back to before its beginning.
bool HasEnoughLife(const CertificateInfo& info, absl::Time now) {
  return now >= info.not_before && info.not_after - now >= (info.not_after - info.not_before) / 3;
}

}  // namespace

CertificateAuthority::CertificateAuthority(std::string directory, std::string certificate, std::string private_key,
                                           absl::Time not_after)
    : directory_(std::move(directory)),
      certificate_(std::move(certificate)),
      private_key_(std::move(private_key)),
      not_after_(not_after) {}

absl::StatusOr<CertificateAuthority> CertificateAuthority::LoadOrCreate(const std::string& directory, absl::Time now) {
  RETURN_IF_ERROR(MakePrivateDirectory(directory));
  const std::string certificate_path = absl::StrCat(directory, "/ca.crt");
  const std::string key_path = absl::StrCat(directory, "/ca.key");
  ASSIGN_OR_RETURN(std::string certificate, ReadIfThere(certificate_path));
  ASSIGN_OR_RETURN(std::string key, ReadKeyIfThere(key_path));
  if (!certificate.empty() && key.empty()) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "CERTIFICATE_AUTHORITY_INCOMPLETE",
                     absl::StrCat(certificate_path, " is there, but its key ", key_path, " is not"),
                     "put ca.key back from a backup of the data directory; without it every agent must enrol again");
  }
  if (certificate.empty()) {
    // Whatever an authority before this one signed is worth nothing from here on.
    RETURN_IF_ERROR(RemoveIfThere(absl::StrCat(directory, "/server.crt")));
    if (key.empty()) {
      ASSIGN_OR_RETURN(key, GeneratePrivateKey());
      RETURN_IF_ERROR(WriteFileAtomically(key_path, key, 0600));
    }
    CertificateSpec spec;
    spec.common_name = "backupctl certificate authority";
    spec.is_ca = true;
    spec.not_before = now - kBackdating;
    spec.not_after = now + kAuthorityLifetime;
    ASSIGN_OR_RETURN(const std::string public_key, PublicKeyOfPrivateKey(key));
    ASSIGN_OR_RETURN(certificate, IssueCertificate(spec, public_key, "", key));
    RETURN_IF_ERROR(WriteFileAtomically(certificate_path, certificate, 0644));
  }
  absl::StatusOr<CertificateInfo> info = ParseCertificate(certificate);
  if (!info.ok()) {
    return Annotate(info.status(), certificate_path);
  }
  if (now >= info->not_after) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "CERTIFICATE_AUTHORITY_EXPIRED",
                     absl::StrCat(certificate_path, " expired at ", absl::FormatTime(info->not_after)),
                     "check the clock; else move the pki directory away and enrol every agent again");
  }
  return CertificateAuthority(directory, std::move(certificate), std::move(key), info->not_after);
}

absl::StatusOr<std::string> CertificateAuthority::Issue(CertificateSpec spec, absl::string_view public_key,
                                                        absl::Time now) const {
  spec.not_before = now - kBackdating;
  spec.not_after = std::min(now + kLeafLifetime, not_after_);
  return IssueCertificate(spec, public_key, certificate_, private_key_);
}

absl::StatusOr<KeyPair> CertificateAuthority::LoadOrIssue(const std::string& path_stem, const CertificateSpec& wanted,
                                                          absl::Time now) const {
  const std::string certificate_path = absl::StrCat(path_stem, ".crt");
  const std::string key_path = absl::StrCat(path_stem, ".key");
  KeyPair pair;
  ASSIGN_OR_RETURN(pair.certificate, ReadIfThere(certificate_path));
  ASSIGN_OR_RETURN(pair.private_key, ReadKeyIfThere(key_path));
  if (!pair.certificate.empty() && !pair.private_key.empty()) {
    const absl::StatusOr<CertificateInfo> info = ParseCertificate(pair.certificate);
    if (info.ok() && SaysTheSame(*info, wanted) && HasEnoughLife(*info, now)) {
      return pair;
    }
  }
  RETURN_IF_ERROR(RemoveIfThere(certificate_path));
  ASSIGN_OR_RETURN(pair.private_key, GeneratePrivateKey());
  ASSIGN_OR_RETURN(const std::string public_key, PublicKeyOfPrivateKey(pair.private_key));
  ASSIGN_OR_RETURN(pair.certificate, Issue(wanted, public_key, now));
  RETURN_IF_ERROR(WriteFileAtomically(key_path, pair.private_key, 0600));
  RETURN_IF_ERROR(WriteFileAtomically(certificate_path, pair.certificate, 0644));
  return pair;
}

absl::StatusOr<KeyPair> CertificateAuthority::ServerIdentity(const Subject& subject, const ServerNames& names,
                                                             absl::Time now) const {
  CertificateSpec spec;
  spec.common_name = subject.common_name;
  spec.uris = {subject.spiffe_id};
  spec.dns_names = Sorted(names.dns_names);
  spec.ip_addresses = Sorted(names.ip_addresses);
  spec.server_auth = true;
  return LoadOrIssue(absl::StrCat(directory_, "/server"), spec, now);
}

absl::Status CertificateAuthority::EnsureClientBundle(const std::string& directory, const Subject& subject,
                                                      absl::Time now) const {
  RETURN_IF_ERROR(MakePrivateDirectory(directory));
  const std::string ca_path = absl::StrCat(directory, "/ca.crt");
  ASSIGN_OR_RETURN(const std::string trusted, ReadIfThere(ca_path));
  if (trusted != certificate_) {
    RETURN_IF_ERROR(RemoveIfThere(absl::StrCat(directory, "/client.crt")));
    RETURN_IF_ERROR(WriteFileAtomically(ca_path, certificate_, 0644));
  }
  CertificateSpec spec;
  spec.common_name = subject.common_name;
  spec.uris = {subject.spiffe_id};
  spec.client_auth = true;
  return LoadOrIssue(absl::StrCat(directory, "/client"), spec, now).status();
}

absl::StatusOr<std::string> CertificateAuthority::IssueClientCertificate(const Subject& subject,
                                                                         absl::string_view public_key,
                                                                         absl::Time now) const {
  CertificateSpec spec;
  spec.common_name = subject.common_name;
  spec.uris = {subject.spiffe_id};
  spec.client_auth = true;
  return Issue(std::move(spec), public_key, now);
}

}  // namespace backup::server
