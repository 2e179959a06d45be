// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "base/rpc/tls.h"

namespace backup::agent {

// Who an agent is and whom it talks to, as enrolment left it in <state>/identity: ca.crt, agent.crt, agent.key (all
// PEM) and `controller` (host:port).
struct Identity {
  std::string agent_id;  // From the certificate.
  std::string controller_address;
  TlsIdentity tls;
};

// FAILED_PRECONDITION NOT_ENROLLED when there is no certificate; FAILED_PRECONDITION IDENTITY_INVALID when a file is
// missing or wrong, or the key may be read by others.
absl::StatusOr<Identity> LoadIdentity(const std::string& directory);

// Writes all files, the key first and the certificate last: there is an identity when all of it is there.
absl::Status SaveIdentity(const std::string& directory, const Identity& identity);

// The id in an agent's certificate. INVALID_ARGUMENT when it is none.
absl::StatusOr<std::string> AgentIdOfCertificate(absl::string_view certificate);

}  // namespace backup::agent
