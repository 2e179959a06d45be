// SPDX-License-Identifier: Apache-2.0
#include "ctl/run_logs.h"

#include <nlohmann/json.hpp>
#include <ostream>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/cancellation.h"
#include "base/errors.h"
#include "base/proto_json.h"
#include "base/status_macros.h"
#include "base/units.h"
#include "ctl/run_view.h"

namespace backup::ctl {
namespace {

constexpr int kPageSize = 1000;
constexpr absl::Duration kStreamDeadline = absl::Minutes(10);
constexpr absl::Duration kRetryDelay = absl::Seconds(1);

void PrintLine(Session& session, const v1::RunLogLine& line) {
  Output& output = session.output();
  if (output.for_people()) {
    output.Text(absl::StrCat(output.Paint(FormatRfc3339(ToAbsl(line.time())), Color::kDim), "  ",
                             output.Paint(line.text(), Color::kNone), "\n"));
  } else {
    output.Text(absl::StrCat(JsonText(JsonTree(line), false), "\n"));
  }
}

absl::StatusOr<ExitCode> PrintStored(Session& session, Client& client, const std::string& name) {
  std::vector<v1::RunLogLine> lines;
  v1::ListRunLogLinesRequest request;
  request.set_name(name);
  request.set_page_size(kPageSize);
  const OutputFormat format = session.output().format();
  const bool whole = format == OutputFormat::kJson || format == OutputFormat::kYaml;
  while (true) {
    ASSIGN_OR_RETURN(const v1::ListRunLogLinesResponse page,
                     client.Call(&v1::RunService::Stub::ListRunLogLines, request));
    for (const v1::RunLogLine& line : page.lines()) {
      if (whole) {
        lines.push_back(line);
      } else {
        PrintLine(session, line);
      }
    }
    if (page.lines_size() < kPageSize) break;
    request.set_offset(page.lines(page.lines_size() - 1).offset() + 1);
  }
  if (whole) session.output().List("lines", Pointers(lines), nullptr);
  return ExitCode::kOk;
}

// Lines as they come, an object to a line for programs.
absl::StatusOr<ExitCode> Follow(Session& session, Client& client, const std::string& name) {
  v1::WatchRunRequest request;
  request.set_name(name);
  bool ended = false;
  while (true) {
    const absl::Status status = client.WatchRun(request, kStreamDeadline, [&](const v1::WatchRunResponse& response) {
      for (const v1::RunLogLine& line : response.log_lines()) {
        if (line.offset() < request.log_offset()) continue;
        PrintLine(session, line);
        request.set_log_offset(line.offset() + 1);
      }
      session.environment().out.flush();
      ended = HasEnded(response.run().state());
      return true;
    });
    // The stream itself ends when the run has ended and its last lines were sent.
    if (status.ok() && ended) return ExitCode::kOk;
    if (!status.ok() && ErrorReason(status) != "CONTROLLER_TIMEOUT") return status;
    if (!WaitUnlessCancelled(session.environment().interrupt, kRetryDelay)) {
      return MakeError(absl::StatusCode::kCancelled, "INTERRUPTED", "interrupted");
    }
  }
}

}  // namespace

absl::StatusOr<ExitCode> PrintRunLogs(Session& session, const std::string& name, bool follow) {
  ASSIGN_OR_RETURN(Client * client, session.client());
  return follow ? Follow(session, *client, name) : PrintStored(session, *client, name);
}

}  // namespace backup::ctl
