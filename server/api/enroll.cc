// SPDX-License-Identifier: Apache-2.0
#include "server/api/enroll.h"

#include <string>

#include "base/errors.h"
#include "base/proto_json.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "base/x509.h"
#include "server/domain/run_state.h"
#include "server/pki/enrollment_token.h"

namespace backup::server {

absl::Status DoEnroll(const ApiContext& api, const Peer&, const v1::EnrollRequest& request,
                      v1::EnrollResponse& response) {
  if (request.secret().size() != kEnrollmentSecretSize) {
    return EnrollmentTokenInvalid();
  }
  const absl::Time now = api.clock.Now();
  const std::string hash = HashEnrollmentSecret(request.secret());
  // 1. Whose token is it?
  ASSIGN_OR_RETURN(const std::string agent_name, api.store.FindEnrollmentToken(hash, now));
  ASSIGN_OR_RETURN(const std::string agent_id, ParseAgentName(agent_name));
  // 2. A certificate that says so.
  ASSIGN_OR_RETURN(const std::string public_key, PublicKeyOfCsr(request.csr()));
  ASSIGN_OR_RETURN(const std::string certificate,
                   api.authority.IssueClientCertificate({agent_id, AgentSpiffeId(agent_id)}, public_key, now));
  ASSIGN_OR_RETURN(const CertificateInfo info, ParseCertificate(certificate));
  // 3. Of many calls with one token, this lets one pass; the others' certificates are never seen by anybody.
  v1::Agent agent;
  agent.set_name(agent_name);
  *agent.mutable_enroll_time() = ToProto(now);
  *agent.mutable_certificate_expire_time() = ToProto(info.not_after);
  const v1::Event event = MakeEvent(now, agent_name, agent_name, "AGENT_ENROLLED", "enrolled with a one-time token");
  RETURN_IF_ERROR(api.store.UseEnrollmentToken(hash, now, agent, {&event, 1}));
  response.set_certificate(certificate);
  response.set_ca_certificates(api.authority.certificate());
  response.set_agent(agent_name);
  return absl::OkStatus();
}

}  // namespace backup::server
