// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/x509.h"

namespace backup::server {

// Who a certificate speaks for.
struct Subject {
  std::string common_name;  // For people who look at the certificate.
  std::string spiffe_id;    // What the other side believes.
};

// What a server answers to.
struct ServerNames {
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
};

// A certificate with its private key, PEM.
struct KeyPair {
  std::string certificate;
  std::string private_key;
};

// The controller's own certificate authority: a directory of mode 0700 with ca.key, ca.crt, and what the controller
// shows to others, server.key and server.crt. Whoever reads ca.key can be anybody, so nothing else lies there.
//
// A certificate file is only ever there together with the key that belongs to it: renewal removes the certificate,
// then writes the key, then the certificate. So a crash in between heals at the next start.
//
// Immutable after construction; safe to use from any thread.
class CertificateAuthority {
 public:
  static constexpr absl::Duration kAuthorityLifetime = absl::Hours(24 * 3650);
  static constexpr absl::Duration kLeafLifetime = absl::Hours(24 * 365);
  // Certificates begin this long before they are made, for clocks that are behind.
  static constexpr absl::Duration kBackdating = absl::Hours(1);

  // Loads the authority in `directory`, or makes a new one there when it has none. FAILED_PRECONDITION
  // CERTIFICATE_AUTHORITY_INCOMPLETE when the certificate is there and its key is not, PRIVATE_KEY_EXPOSED when others
  // may read a key, CERTIFICATE_AUTHORITY_EXPIRED.
  static absl::StatusOr<CertificateAuthority> LoadOrCreate(const std::string& directory, absl::Time now);

  // The authority's own certificate, PEM: what others have to trust.
  const std::string& certificate() const { return certificate_; }

  // The controller's identity from server.key and server.crt. Made anew when there is none, when less than a third of
  // its life is left, or when it does not name exactly `subject` and `names`.
  absl::StatusOr<KeyPair> ServerIdentity(const Subject& subject, const ServerNames& names, absl::Time now) const;

  // A client's identity in `directory` (0700): client.key, client.crt and ca.crt. Made anew by the same rules, and when
  // ca.crt is not this authority's.
  absl::Status EnsureClientBundle(const std::string& directory, const Subject& subject, absl::Time now) const;

  // A client certificate for `public_key` (PEM). It says `subject`, whatever the asker would like to be.
  absl::StatusOr<std::string> IssueClientCertificate(const Subject& subject, absl::string_view public_key,
                                                     absl::Time now) const;

 private:
  CertificateAuthority(std::string directory, std::string certificate, std::string private_key, absl::Time not_after);

  absl::StatusOr<std::string> Issue(CertificateSpec spec, absl::string_view public_key, absl::Time now) const;
  absl::StatusOr<KeyPair> LoadOrIssue(const std::string& path_stem, const CertificateSpec& wanted,
                                      absl::Time now) const;

  // Constant after construction.
  std::string directory_;
  std::string certificate_;
  std::string private_key_;
  absl::Time not_after_;
};

}  // namespace backup::server
