// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace backup {

// The DNS name that every controller certificate carries, and that clients demand whatever address they dial: the CA is
// private to one controller, so it is the CA and this name that prove who answers.
inline constexpr char kControllerServerName[] = "backup-controller";

// SPIFFE ids in certificates: who somebody is.
std::string AgentSpiffeId(absl::string_view agent_id);  // spiffe://backupctl/agent/{agent}
std::string UserSpiffeId(absl::string_view user_id);    // spiffe://backupctl/user/{user}
inline constexpr char kControllerSpiffeId[] = "spiffe://backupctl/controller";

// PEM texts of one party.
struct TlsIdentity {
  std::string ca_certificates;
  std::string certificate;  // Empty: a client without identity (Enroll only).
  std::string private_key;
};

// Reads the three files. Errors name the file.
absl::StatusOr<TlsIdentity> LoadTlsIdentity(const std::string& ca_file, const std::string& certificate_file,
                                            const std::string& key_file);

// TLS for a server; client certificates are asked for and verified when given, the authorizer decides who may do
// what without one.
std::shared_ptr<grpc::ServerCredentials> ServerTlsCredentials(const TlsIdentity& identity);

// A channel to `address` (host:port): TLS with kControllerServerName demanded, keepalive 30 s / 10 s, messages of at
// most 1 MiB (4 MiB to receive). Never plaintext.
std::shared_ptr<grpc::Channel> CreateTlsChannel(const std::string& address, const TlsIdentity& identity);

// Who is at the other end of a call.
struct Peer {
  enum class Kind { kAnonymous, kAgent, kUser };
  Kind kind = Kind::kAnonymous;
  std::string id;  // Agent's or user's id; empty for kAnonymous.
  // "agents/db1", "users/admin" or "anonymous".
  std::string ToString() const;
};

// From the verified certificate in the context; anything but exactly one SPIFFE id of ours is anonymous.
Peer PeerOf(const grpc::AuthContext* context);
// From a SPIFFE id; anonymous when it is none of ours.
Peer PeerFromSpiffeId(absl::string_view spiffe_id);

}  // namespace backup
