// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/proto_json.h"
#include "base/status_macros.h"
#include "base/units.h"
#include "ctl/backup_delete.h"
#include "ctl/backup_run.h"
#include "ctl/backup_view.h"
#include "ctl/commands.h"
#include "ctl/database_argument.h"
#include "ctl/enum_argument.h"
#include "ctl/list_limit.h"
#include "ctl/paging.h"
#include "ctl/policy_choice.h"
#include "ctl/retention_forecast_commands.h"
#include "ctl/short_name.h"

namespace backup::ctl {
namespace {

struct ListFlags {
  std::string policy;
  std::string agent;
  std::string database;
  std::vector<std::string> states;
  ListLimit limit;
};

absl::StatusOr<ExitCode> List(Session& session, const ListFlags& flags) {
  v1::ListBackupsRequest request;
  if (!flags.policy.empty()) request.mutable_filter()->set_policy(FullName("policies", flags.policy));
  if (!flags.agent.empty()) request.mutable_filter()->set_agent(FullName("agents", flags.agent));
  for (const std::string& word : flags.states) {
    ASSIGN_OR_RETURN(const int state, ParseEnumWord(word, *v1::BackupState_descriptor()));
    request.mutable_filter()->add_states(static_cast<v1::BackupState>(state));
  }
  ASSIGN_OR_RETURN(Client * client, session.client());
  if (!flags.database.empty()) {
    ASSIGN_OR_RETURN(const std::string database, ResolveDatabase(*client, flags.database));
    request.mutable_filter()->set_database(database);
  }
  ASSIGN_OR_RETURN(const Listed<v1::Backup> listed,
                   ListPages(*client, &v1::BackupService::Stub::ListBackups, request, &v1::ListBackupsResponse::backups,
                             flags.limit.Of(session)));
  const bool only_policy = flags.agent.empty() && flags.database.empty() && flags.states.empty();
  if (listed.items.empty() && !flags.policy.empty() && only_policy) {
    RETURN_IF_ERROR(CheckPolicyIsThere(*client, flags.policy));
  }
  session.output().List("backups", Pointers(listed.items), [&] { return BackupTable(listed.items, session.now()); });
  if (listed.items.empty() && session.output().for_people()) {
    session.Say(request.has_filter() ? "no such backups"
                                     : "no backups; make one with: backupctl backup run DATABASE --wait");
  }
  flags.limit.TellMore(session, listed.more);
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Describe(Session& session, const std::string& name, size_t tables) {
  ASSIGN_OR_RETURN(Client * client, session.client());
  v1::GetBackupRequest request;
  request.set_name(FullName("backups", name));
  ASSIGN_OR_RETURN(const v1::Backup backup, client->Call(&v1::BackupService::Stub::GetBackup, request));
  std::vector<Fact> future;
  // What is deleted has no future.
  if (session.output().for_people() && !IsGoing(backup)) future = ReadOutlookFacts(session, *client, backup.name());
  session.output().Single(backup,
                          [&] { return DescribeBackup(backup, future, session.output(), session.now(), tables); });
  return ExitCode::kOk;
}

struct HoldFlags {
  std::string backup;
  std::string reason;
  std::string duration;
};

absl::StatusOr<ExitCode> Hold(Session& session, const HoldFlags& flags) {
  v1::HoldBackupRequest request;
  request.set_name(FullName("backups", flags.backup));
  request.set_reason(flags.reason);
  if (!flags.duration.empty()) {
    ASSIGN_OR_RETURN(const absl::Duration duration, backup::ParseDuration(flags.duration));
    if (duration <= absl::ZeroDuration()) {
      return MakeError(absl::StatusCode::kInvalidArgument, "WRONG_USAGE", "--for is no time at all",
                       "say how long, as in 90d, or leave it out for a hold without an end");
    }
    *request.mutable_expire_time() = ToProto(session.now() + duration);
  }
  ASSIGN_OR_RETURN(Client * client, session.client());
  ASSIGN_OR_RETURN(const v1::Backup held, client->Call(&v1::BackupService::Stub::HoldBackup, request));
  session.output().Single(held, [&] {
    return absl::StrCat("backup ", session.output().Paint(ShortName(held.name()), Color::kNone), " is held ",
                        HoldText(held, session.now()), "\n");
  });
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Release(Session& session, const std::string& name) {
  ASSIGN_OR_RETURN(Client * client, session.client());
  v1::ReleaseBackupRequest request;
  request.set_name(FullName("backups", name));
  ASSIGN_OR_RETURN(const v1::Backup backup, client->Call(&v1::BackupService::Stub::ReleaseBackup, request));
  session.output().Single(backup, [&] {
    return absl::StrCat("backup ", session.output().Paint(ShortName(backup.name()), Color::kNone),
                        " is held by nobody: its policy decides\n");
  });
  return ExitCode::kOk;
}

void AddHold(CommandTree& tree, CLI::App& noun) {
  auto flags = std::make_shared<HoldFlags>();
  CLI::App& leaf =
      tree.AddLeaf(noun, "hold",
                   {"Keep a backup, whatever its policy says", "A hold that is there is replaced.",
                    "backupctl backup hold 20261123T220000Z-7k3m9q2x4d --reason 'before the migration' --for 90d"},
                   [&session = tree.session(), flags] { return Hold(session, *flags); });
  leaf.add_option("BACKUP", flags->backup, "the backup's id")->required();
  leaf.add_option("--reason", flags->reason, "why")->type_name("TEXT")->required();
  leaf.add_option("--for", flags->duration, "how long (default: until it is released)")->type_name("DURATION");

  auto name = std::make_shared<std::string>();
  CLI::App& release =
      tree.AddLeaf(noun, "release", {"End a hold", "", "backupctl backup release 20261123T220000Z-7k3m9q2x4d"},
                   [&session = tree.session(), name] { return Release(session, *name); });
  release.add_option("BACKUP", *name, "the backup's id")->required();
}

void AddDelete(CommandTree& tree, CLI::App& noun) {
  auto flags = std::make_shared<BackupDeleteFlags>();
  CLI::App& leaf = tree.AddLeaf(
      noun, "delete",
      {"Delete one backup, whatever its policy says",
       "The newest good backup of a database, the newest one that a drill has restored, and those held or in use "
       "cannot be\ndeleted. Wants the backup's id typed, or given with --confirm.",
       "backupctl backup delete 20261123T220000Z-7k3m9q2x4d --confirm 20261123T220000Z-7k3m9q2x4d --wait"},
      [&session = tree.session(), flags] { return DeleteBackup(session, *flags); });
  leaf.add_option("BACKUP", flags->backup, "the backup's id")->required();
  leaf.add_option("--reason", flags->reason, "why, for the history")->type_name("TEXT");
  leaf.add_option("--confirm", flags->confirm, "the backup's id again, to delete without a question")
      ->type_name("BACKUP");
  leaf.add_flag("--wait", flags->wait, "follow the removal of its files to its end");
}

void AddRun(CommandTree& tree, CLI::App& noun) {
  auto flags = std::make_shared<BackupRunFlags>();
  CLI::App& leaf = tree.AddLeaf(
      noun, "run",
      {"Back up a database now, or every database of a policy",
       "DATABASE is agents/AGENT/databases/NAME, AGENT/NAME, or NAME alone where only one database is called so.\n"
       "With --wait the exit code is 0 when it succeeded, 1 when it did not, 7 when only some of several did. Ctrl-C "
       "stops\n"
       "the waiting, not the backup.",
       "backupctl backup run shop --wait\nbackupctl backup run --policy nightly"},
      [&session = tree.session(), flags] { return RunBackup(session, *flags); });
  leaf.add_option("DATABASE", flags->database, "which database");
  leaf.add_option("--policy", flags->policy, "under this policy; without DATABASE: everything it covers")
      ->type_name("POLICY");
  leaf.add_flag("--wait", flags->wait, "follow it to its end");
}

void AddVerify(CommandTree& tree, CLI::App& noun) {
  auto name = std::make_shared<std::string>();
  auto wait = std::make_shared<bool>(false);
  CLI::App& leaf =
      tree.AddLeaf(noun, "verify",
                   {"Read a stored backup back and hold it against its manifest",
                    "With --wait the exit code is 8 when the backup is bad.",
                    "backupctl backup verify 20261123T220000Z-7k3m9q2x4d --wait"},
                   [&session = tree.session(), name, wait] { return VerifyBackup(session, *name, *wait); });
  leaf.add_option("BACKUP", *name, "the backup's id")->required();
  leaf.add_flag("--wait", *wait, "follow it to its end");
}

}  // namespace

void AddBackupCommands(CommandTree& tree) {
  Session& session = tree.session();
  CLI::App& noun = tree.AddNoun("backup", "Backups: make them, look at them, verify them", kWatchGroup);
  AddRun(tree, noun);

  auto list = std::make_shared<ListFlags>();
  CLI::App& list_leaf =
      tree.AddLeaf(noun, "list",
                   {"List backups, the newest first", "",
                    "backupctl backup list --database shop\nbackupctl backup list --state bad -o name"},
                   [&session, list] { return List(session, *list); });
  list_leaf.add_option("--policy", list->policy, "only backups of this policy")->type_name("POLICY");
  list_leaf.add_option("--agent", list->agent, "only backups of this agent")->type_name("AGENT");
  list_leaf.add_option("--database", list->database, "only backups of this database")->type_name("DATABASE");
  list_leaf
      .add_option("--state", list->states,
                  "good, suspicious, bad, deleting or deleted; may be repeated (default: all but deleted)")
      ->type_name("STATE")
      ->allow_extra_args(false);
  list->limit.AddFlag(list_leaf);

  auto name = std::make_shared<std::string>();
  auto tables = std::make_shared<size_t>(10);
  CLI::App& describe =
      tree.AddLeaf(noun, "describe",
                   {"Show everything about one backup",
                    "Why it is kept and when it will go stands in the text only; backupctl retention explain has it as "
                    "JSON too.",
                    "backupctl backup describe 20261123T220000Z-7k3m9q2x4d"},
                   [&session, name, tables] { return Describe(session, *name, *tables); });
  describe.add_option("BACKUP", *name, "the backup's id")->required();
  describe.add_option("--tables", *tables, "how many of its largest tables to list (default: 10)")->type_name("N");

  AddVerify(tree, noun);
  AddHold(tree, noun);
  AddDelete(tree, noun);
}

}  // namespace backup::ctl
