// SPDX-License-Identifier: Apache-2.0
#include "agent/command_verify.h"

#include <ostream>

#include "agent/command_error.h"
#include "agent/command_progress.h"
#include "agent/command_summary.h"
#include "agent/pipeline/job.h"
#include "agent/pipeline/manifest_file.h"
#include "base/errors.h"
#include "base/text.h"

namespace backup::agent {

int RunVerifyCommand(const VerifyCommandOptions& options, Cancellation& cancellation, std::ostream& out,
                     std::ostream& err) {
  if (options.output != "table" && options.output != "json") {
    return PrintCommandError(UsageError("-o must be table or json"), err);
  }
  const absl::StatusOr<std::string> artifact = FindArtifact(options.artifact_directory);
  if (!artifact.ok()) {
    return PrintCommandError(artifact.status(), err);
  }
  CommandProgress progress(err, Clock::Real(), /*show_progress=*/false, /*is_terminal=*/false);
  VerifyRequest request;
  request.artifact_directory = *artifact;
  absl::StatusOr<VerifyOutcome> outcome = VerifyArtifact(request, Clock::Real(), progress, cancellation);
  if (!outcome.ok()) {
    return PrintCommandError(outcome.status(), err);
  }
  if (options.output == "json") {
    out << FormatManifest(outcome->manifest);
  } else {
    PrintArtifactSummary(outcome->manifest, options.artifact_directory, outcome->verify_duration, out);
  }
  out.flush();
  return 0;
}

}  // namespace backup::agent
