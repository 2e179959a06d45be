// SPDX-License-Identifier: Apache-2.0
#include "ctl/run_view.h"

#include "absl/strings/str_cat.h"
#include "base/proto_json.h"
#include "base/text.h"
#include "base/units.h"
#include "ctl/restore_view.h"
#include "ctl/short_name.h"
#include "ctl/value_text.h"

namespace backup::ctl {
namespace {

std::string Elapsed(const v1::Run& run, absl::Time now) {
  if (!run.has_start_time()) return "";
  return ElapsedText((run.has_end_time() ? ToAbsl(run.end_time()) : now) - ToAbsl(run.start_time()));
}

std::string CauseText(v1::FailureCause cause) {
  return cause == v1::FAILURE_CAUSE_UNSPECIFIED ? "" : v1::FailureCause_Name(cause);
}

// Slot and jitter are one thing to people, unless they differ.
std::string Due(const v1::Run& run, absl::Time now) {
  std::string text = TimeText(run.has_slot_time(), run.slot_time(), now);
  if (run.has_not_before_time() && run.has_slot_time() && ToAbsl(run.not_before_time()) > ToAbsl(run.slot_time())) {
    absl::StrAppend(&text, ", not before ", FormatRfc3339(ToAbsl(run.not_before_time())));
  }
  return text;
}

// How much later than it might it started; nothing up to a minute, which agents need to hear of it and to begin.
std::string LateText(const v1::Run& run) {
  if (!run.has_start_time() || !run.has_not_before_time() || run.manual() || run.retry_count() > 0) return "";
  const absl::Duration late = ToAbsl(run.start_time()) - ToAbsl(run.not_before_time());
  return late > absl::Minutes(1) ? absl::StrCat("late by ", ElapsedText(late)) : "";
}

// A restore that only says what it would do is no restore.
std::string KindText(const v1::Run& run) {
  return run.spec().restore().plan_only() ? "PLAN" : v1::RunKind_Name(run.kind());
}

std::string Started(const v1::Run& run, absl::Time now) {
  const std::string late = LateText(run);
  return absl::StrCat(TimeText(run.has_start_time(), run.start_time(), now), late.empty() ? "" : ", ", late);
}

const char* HeldBackText(const v1::Run& run) {
  return run.state() == v1::PENDING ? "until a place is free among the runs that may work at once"
                                    : "until it is due: its policy is paused or limits its runs at once";
}

}  // namespace

bool HasEnded(v1::RunState state) {
  switch (state) {
    case v1::SUCCEEDED:
    case v1::FAILED:
    case v1::CANCELLED:
    case v1::LOST:
    case v1::MISSED:
    case v1::SKIPPED:
      return true;
    default:
      return false;
  }
}

std::string RunProblem(const v1::Run& run) {
  if (!run.has_failure()) {
    if (run.not_started_cause() == v1::NOT_STARTED_CAUSE_UNSPECIFIED) return run.state_reason();
    return absl::StrCat(v1::NotStartedCause_Name(run.not_started_cause()), run.state_reason().empty() ? "" : ": ",
                        run.state_reason());
  }
  const std::string cause = CauseText(run.failure().cause());
  if (cause.empty()) return run.failure().message();
  return absl::StrCat(cause, run.failure().message().empty() ? "" : ": ", run.failure().message());
}

// Of a list: what is wrong, or else that it was late.
static std::string RunNote(const v1::Run& run) {
  const std::string problem = RunProblem(run);
  return problem.empty() ? LateText(run) : problem;
}

Table RunTable(const std::vector<v1::Run>& runs, absl::Time now) {
  using Align = Column::Align;
  Table table{{{"RUN"},
               {"KIND"},
               {"DATABASE", Align::kLeft, false, true},
               {"STATE"},
               {"DUE"},
               {"TOOK", Align::kRight},
               {"POLICY"},
               {"BACKUP", Align::kLeft, true},
               {"EPOCH", Align::kRight, true},
               {"WHY", Align::kLeft, false, true}},
              {}};
  for (const v1::Run& run : runs) {
    table.rows.push_back({ShortName(run.name()), KindText(run), ShortName(run.database()), StateCell(run.state()),
                          RelativeText(run.has_slot_time(), run.slot_time(), now), Elapsed(run, now),
                          ShortName(run.policy()), ShortName(run.backup()), absl::StrCat(run.epoch()), RunNote(run)});
  }
  return table;
}

std::string DescribeRun(const v1::Run& run, const Output& output, absl::Time now) {
  const bool color = output.options().color;
  std::vector<Fact> facts = {
      {"Run", ShortName(run.name())},
      {"Kind", KindText(run)},
      {"State", StateCell(run.state())},
      {"Database", ShortName(run.database())},
      {"Policy", ShortName(run.policy())},
      {"Asked for by", run.kind() == v1::DELETE ? "retention or a person; the backup's description says who and why"
                       : run.manual()           ? "a person"
                                                : "the schedule"},
      {"Due", Due(run, now)},
      {"Start deadline", TimeText(run.has_start_deadline_time(), run.start_deadline_time(), now)},
      {"Started", Started(run, now)},
      {"Ended", TimeText(run.has_end_time(), run.end_time(), now)},
      {"Took", Elapsed(run, now)},
      {"Backup", ShortName(run.backup())}};
  if (run.not_started_cause() != v1::NOT_STARTED_CAUSE_UNSPECIFIED) {
    facts.push_back({"Cause", v1::NotStartedCause_Name(run.not_started_cause())});
  }
  if (!run.state_reason().empty()) facts.push_back({"Why", run.state_reason()});
  if (run.retry_count() > 0) facts.push_back({"Attempts before", CountText(run.retry_count())});
  if (run.held_back()) facts.push_back({"Held back", HeldBackText(run)});
  if (run.state() == v1::SCHEDULED || run.state() == v1::PENDING) {
    facts.push_back({"Held by its agent", run.delivered() ? "yes" : "no"});
  }
  if (run.cancel_requested() && !HasEnded(run.state())) facts.push_back({"Cancel", "asked for"});
  if (run.state() == v1::RUNNING) {
    facts.push_back({"Lease ends", TimeText(run.has_lease_end_time(), run.lease_end_time(), now)});
  }
  if (!run.attempt_id().empty()) {
    facts.push_back({"Attempt", absl::StrCat(run.attempt_id(), ", epoch ", run.epoch())});
  }
  if (run.kind() != v1::DELETE && run.has_progress()) {
    const v1::Progress& progress = run.progress();
    const std::string bytes = run.kind() == v1::BACKUP ? absl::StrCat(FormatSize(progress.plain_bytes()), " dumped, ",
                                                                      FormatSize(progress.stored_bytes()), " stored")
                                                       : absl::StrCat(FormatSize(progress.plain_bytes()), " read");
    facts.push_back({"Progress", absl::StrCat(v1::RunPhase_Name(progress.phase()), ", ", bytes, ", ",
                                              CountText(progress.row_count()), " rows, ", progress.tables_done(),
                                              " of ", progress.table_count(), " tables")});
  }
  if (run.spec().has_restore()) {
    const v1::RestoreRunSpec& restore = run.spec().restore();
    facts.push_back({restore.plan_only() ? "Would restore to" : "Restores to", RestorePlace(restore)});
  }
  for (const std::string& obstacle : run.restore_facts().obstacles()) facts.push_back({"In the way", obstacle});
  if (run.restore_facts().has_restore_duration()) {
    const v1::RestoreFacts& restored = run.restore_facts();
    facts.push_back(
        {"Restored", absl::StrCat(CountText(restored.table_count()), " tables with ", CountText(restored.row_count()),
                                  " rows in ", ElapsedText(ToAbsl(restored.restore_duration())))});
    facts.push_back({"Compared", restored.contents_compared() ? "every table, equal" : "rows counted"});
  }
  if (run.spec().drill().has_max_duration()) {
    facts.push_back({"Allowed", backup::FormatDuration(ToAbsl(run.spec().drill().max_duration()))});
  }
  for (const std::string& assertion : run.spec().drill().assertions()) facts.push_back({"Assertion", assertion});
  std::string out = LayOutFacts(facts, color);
  if (!run.has_failure()) return out;
  absl::StrAppend(&out, "\n", output.Paint("Failure", Color::kBold), "\n",
                  LayOutFacts({{"Cause", {CauseText(run.failure().cause()), Color::kRed}},
                               {"Message", run.failure().message()},
                               {"Next", run.failure().hint()}},
                              color, 2));
  if (run.failure().stderr_lines_size() > 0) out += "  Last lines of stderr:\n";
  for (const std::string& line : run.failure().stderr_lines()) absl::StrAppend(&out, "    ", CleanText(line), "\n");
  return out;
}

}  // namespace backup::ctl
