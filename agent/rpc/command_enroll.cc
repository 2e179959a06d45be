// SPDX-License-Identifier: Apache-2.0
#include "agent/rpc/command_enroll.h"

#include <cstdlib>
#include <istream>
#include <ostream>

#include "absl/status/statusor.h"
#include "agent/command_error.h"
#include "agent/config.h"
#include "agent/rpc/enroll.h"
#include "agent/state_directory.h"
#include "base/errors.h"
#include "base/file.h"
#include "base/status_macros.h"

namespace backup::agent {
namespace {

absl::StatusOr<std::string> ReadToken(const std::string& file, std::istream& in) {
  if (file != "-") {
    return ReadFile(file, kMaxTokenBytes);
  }
  std::string token(kMaxTokenBytes, '\0');
  in.read(token.data(), static_cast<std::streamsize>(token.size()));
  token.resize(static_cast<size_t>(in.gcount()));
  return token;
}

absl::StatusOr<EnrollOutcome> Enroll(const EnrollCommandOptions& options, std::istream& in) {
  std::string state_directory = options.state_directory;
  if (state_directory.empty()) {
    const char* variable = std::getenv("BACKUP_STATE_DIR");
    state_directory = variable != nullptr && *variable != '\0' ? variable : kDefaultStateDirectory;
  }
  ASSIGN_OR_RETURN(const std::string token, ReadToken(options.token_file, in));
  RETURN_IF_ERROR(ParseEnrollmentToken(token).status());
  RETURN_IF_ERROR(MakePrivateDirectory(state_directory));
  return EnrollAgent(token, IdentityDirectory(state_directory), options.timeout);
}

}  // namespace

int RunEnrollCommand(const EnrollCommandOptions& options, std::istream& in, std::ostream& out, std::ostream& err) {
  const absl::StatusOr<EnrollOutcome> outcome = Enroll(options, in);
  if (!outcome.ok()) {
    return PrintCommandError(outcome.status(), err);
  }
  out << (outcome->was_enrolled ? "already enrolled as agents/" : "enrolled as agents/") << outcome->agent_id
      << " with the controller at " << outcome->controller_address << "\n";
  return 0;
}

}  // namespace backup::agent
