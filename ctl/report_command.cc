// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "base/errors.h"
#include "base/proto_json.h"
#include "base/status_macros.h"
#include "ctl/commands.h"
#include "ctl/database_argument.h"
#include "ctl/report_markdown.h"
#include "ctl/report_view.h"
#include "ctl/time_argument.h"

namespace backup::ctl {
namespace {

// A page takes the controller long enough to be worth a look at the deadline.
constexpr int kDatabasesPerCall = 20;

struct ReportFlags {
  std::string database;
  std::string since;
  std::string until;
};

// All pages in one. The span is fixed by the first, so that the clock does not move it.
absl::StatusOr<v1::Report> ReadReport(Client& client, v1::GetReportRequest request) {
  request.set_page_size(kDatabasesPerCall);
  v1::Report report;
  do {
    ASSIGN_OR_RETURN(v1::Report page, client.Call(&v1::ReportService::Stub::GetReport, request));
    request.set_page_token(page.next_page_token());
    if (!report.has_time()) {
      *report.mutable_time() = page.time();
      *report.mutable_since_time() = *request.mutable_since_time() = page.since_time();
      *report.mutable_until_time() = *request.mutable_until_time() = page.until_time();
    }
    for (v1::DatabaseReport& database : *page.mutable_databases()) *report.add_databases() = std::move(database);
  } while (!request.page_token().empty());
  return report;
}

absl::StatusOr<ExitCode> Report(Session& session, const ReportFlags& flags) {
  v1::GetReportRequest request;
  if (!flags.since.empty()) {
    ASSIGN_OR_RETURN(const absl::Time since, ParseTimeArgument("--since", flags.since, session.now()));
    *request.mutable_since_time() = ToProto(since);
  }
  if (!flags.until.empty()) {
    ASSIGN_OR_RETURN(const absl::Time until, ParseTimeArgument("--until", flags.until, session.now()));
    *request.mutable_until_time() = ToProto(until);
  }
  if (request.has_since_time() && request.has_until_time() &&
      ToAbsl(request.until_time()) <= ToAbsl(request.since_time())) {
    return MakeError(absl::StatusCode::kInvalidArgument, "WRONG_USAGE", "--until is not later than --since");
  }
  ASSIGN_OR_RETURN(Client * client, session.client());
  if (!flags.database.empty()) {
    ASSIGN_OR_RETURN(*request.mutable_database(), ResolveDatabase(*client, flags.database));
  }
  ASSIGN_OR_RETURN(const v1::Report report, ReadReport(*client, request));
  Output& output = session.output();
  if (output.format() == OutputFormat::kMarkdown) {
    output.Text(ReportMarkdown(report, client->address()));
    return ExitCode::kOk;
  }
  output.Single(report, [&] { return ReportText(report, !flags.database.empty(), output, session.now()); });
  if (output.for_people() && flags.database.empty() && !report.databases().empty()) {
    session.Say("one database with its drills: backupctl report --database DATABASE; a page to hand on: -o markdown");
  }
  return ExitCode::kOk;
}

}  // namespace

void AddReportCommand(CommandTree& tree) {
  auto flags = std::make_shared<ReportFlags>();
  CLI::App& leaf = tree.AddRootLeaf(
      "report",
      {"How backups fared over a time: what was due, what was good, gaps, drills, retention",
       "-o markdown makes a page to hand to an auditor, -o json has every figure. The exit code is 0 also when the "
       "news "
       "is\nbad.",
       "backupctl report\nbackupctl report --since 2026-07-01 --until 2026-10-01 -o markdown > quarter.md\n"
       "backupctl report --database shop --since 30d"},
      kWatchGroup, [&session = tree.session(), flags] { return Report(session, *flags); });
  tree.AcceptMarkdown(leaf);
  leaf.add_option("--database", flags->database, "only this database, in detail")->type_name("DATABASE");
  leaf.add_option("--since", flags->since,
                  "slots from then on: so long ago, a day or a time (default: 90d before the end)")
      ->type_name("TIME");
  leaf.add_option("--until", flags->until, "slots before then (default: now)")->type_name("TIME");
}

}  // namespace backup::ctl
