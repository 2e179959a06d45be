// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "ctl/commands.h"
#include "ctl/list_limit.h"
#include "ctl/paging.h"
#include "ctl/short_name.h"
#include "ctl/value_text.h"

namespace backup::ctl {
namespace {

struct Flags {
  std::string subject;
  ListLimit limit;
};

// Subjects stand in full, as this command takes them.
Table EventTable(const std::vector<v1::Event>& events, absl::Time now) {
  Table table{{{"WHEN"},
               {"EVENT"},
               {"ABOUT", Column::Align::kLeft, false, true},
               {"BY"},
               {"WHAT", Column::Align::kLeft, false, true}},
              {}};
  for (const v1::Event& event : events) {
    table.rows.push_back({RelativeText(event.has_time(), event.time(), now), event.type(), event.subject(),
                          ShortName(event.actor()), event.message()});
  }
  return table;
}

absl::StatusOr<ExitCode> List(Session& session, const Flags& flags) {
  v1::ListEventsRequest request;
  request.set_subject(flags.subject);
  ASSIGN_OR_RETURN(Client * client, session.client());
  ASSIGN_OR_RETURN(const Listed<v1::Event> listed, ListPages(*client, &v1::FleetService::Stub::ListEvents, request,
                                                             &v1::ListEventsResponse::events, flags.limit.Of(session)));
  session.output().List("events", Pointers(listed.items), [&] { return EventTable(listed.items, session.now()); });
  flags.limit.TellMore(session, listed.more);
  if (listed.items.empty() && session.output().for_people()) {
    session.Say(flags.subject.empty() || flags.subject == "clock" || absl::StrContains(flags.subject, '/')
                    ? "no events"
                    : absl::StrCat("no events about \"", flags.subject,
                                   "\"; a subject is named in full, such as policies/nightly or runs/RUN"));
  }
  return ExitCode::kOk;
}

}  // namespace

void AddEventCommands(CommandTree& tree) {
  Session& session = tree.session();
  CLI::App& noun = tree.AddNoun("event", "Events: who did what, and what changed", kWatchGroup);
  auto flags = std::make_shared<Flags>();
  CLI::App& list = tree.AddLeaf(
      noun, "list",
      {"List what happened, the newest first",
       "With SUBJECT only what happened to that one, named in full as the ABOUT column has it: policies/nightly, "
       "agents/db1, runs/RUN, backups/BACKUP, or clock.",
       "backupctl event list\nbackupctl event list policies/nightly\nbackupctl event list clock"},
      [&session, flags] { return List(session, *flags); });
  list.add_option("SUBJECT", flags->subject, "what the events are about");
  flags->limit.AddFlag(list);
}

}  // namespace backup::ctl
