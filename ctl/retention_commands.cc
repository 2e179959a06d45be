// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "ctl/commands.h"
#include "ctl/confirm.h"
#include "ctl/database_argument.h"
#include "ctl/paging.h"
#include "ctl/retention_forecast_commands.h"
#include "ctl/retention_view.h"
#include "ctl/short_name.h"

namespace backup::ctl {
namespace {

// All pages of one database.
absl::StatusOr<v1::RetentionPlan> ReadPlan(Client& client, const std::string& database) {
  v1::PlanRetentionRequest request;
  request.set_database(database);
  request.set_page_size(1000);
  v1::RetentionPlan plan;
  do {
    ASSIGN_OR_RETURN(v1::RetentionPlan page, client.Call(&v1::BackupService::Stub::PlanRetention, request));
    request.set_page_token(page.next_page_token());
    plan.mutable_decisions()->MergeFrom(page.decisions());
    plan.set_database(page.database());
    plan.mutable_policies()->Swap(page.mutable_policies());
  } while (!request.page_token().empty());
  return plan;
}

// What it comes to, without the decisions.
absl::StatusOr<v1::RetentionPlan> ReadSummary(Client& client, const std::string& database) {
  v1::PlanRetentionRequest request;
  request.set_database(database);
  request.set_page_size(1);
  ASSIGN_OR_RETURN(v1::RetentionPlan plan, client.Call(&v1::BackupService::Stub::PlanRetention, request));
  plan.clear_decisions();
  plan.clear_next_page_token();
  return plan;
}

absl::StatusOr<ExitCode> PlanOne(Session& session, const std::string& word) {
  ASSIGN_OR_RETURN(Client * client, session.client());
  ASSIGN_OR_RETURN(const std::string database, ResolveDatabase(*client, word));
  ASSIGN_OR_RETURN(const v1::RetentionPlan plan, ReadPlan(*client, database));
  session.output().Single(plan, [&] { return RetentionText(plan, session.output(), session.now()); });
  if (plan.decisions().empty() && session.output().for_people()) {
    session.Say("the database has no backups");
  }
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> PlanAll(Session& session) {
  ASSIGN_OR_RETURN(Client * client, session.client());
  ASSIGN_OR_RETURN(const Listed<v1::Database> databases,
                   ListPages(*client, &v1::AgentService::Stub::ListDatabases, v1::ListDatabasesRequest(),
                             &v1::ListDatabasesResponse::databases, 0));
  std::vector<v1::RetentionPlan> plans;
  for (const v1::Database& database : databases.items) {
    ASSIGN_OR_RETURN(v1::RetentionPlan plan, ReadSummary(*client, database.name()));
    if (!plan.policies().empty()) plans.push_back(std::move(plan));
  }
  session.output().List("plans", Pointers(plans), [&] { return RetentionSummaryTable(plans); });
  if (session.output().for_people()) {
    session.Say(plans.empty() ? "no database has backups" : "each backup: backupctl retention plan DATABASE");
  }
  return ExitCode::kOk;
}

struct ApplyFlags {
  std::string database;
  std::string confirm;
  bool dry_run = false;
};

absl::StatusOr<ExitCode> Apply(Session& session, const ApplyFlags& flags) {
  ASSIGN_OR_RETURN(Client * client, session.client());
  ASSIGN_OR_RETURN(const std::string database, ResolveDatabase(*client, flags.database));
  v1::ApplyRetentionRequest request;
  request.set_database(database);
  request.set_validate_only(flags.dry_run);
  if (!flags.confirm.empty()) {
    ASSIGN_OR_RETURN(const std::string confirmed, ResolveDatabase(*client, flags.confirm));
    RETURN_IF_ERROR(Confirm(session, "delete backups of", ShortName(database), ShortName(confirmed)));
    request.set_confirm(true);
  }
  ASSIGN_OR_RETURN(const v1::AppliedRetention applied, client->Call(&v1::BackupService::Stub::ApplyRetention, request));
  session.output().Single(applied, [&] { return AppliedRetentionText(applied, flags.dry_run, session.output()); });
  if (!applied.delete_runs().empty() && session.output().for_people()) {
    session.Say(
        absl::StrCat("follow them with: backupctl run list --kind delete --database ", ShellWord(ShortName(database))));
  }
  return ExitCode::kOk;
}

void AddApply(CommandTree& tree, CLI::App& noun) {
  auto flags = std::make_shared<ApplyFlags>();
  CLI::App& leaf = tree.AddLeaf(
      noun, "apply",
      {"Delete now what retention does not keep of a database",
       "The controller does so by itself after each backup and every hour. Where something stands against it (WHY NOT "
       "in\n"
       "backupctl retention plan), nothing is deleted, and the exit code is 6, unless the database is named with "
       "--confirm.\nA deletion that failed is tried again in any case; by itself that is once a day.",
       "backupctl retention apply shop --dry-run\nbackupctl retention apply shop --confirm shop"},
      [&session = tree.session(), flags] { return Apply(session, *flags); });
  leaf.add_option("DATABASE", flags->database, "which database")->required();
  leaf.add_option("--confirm", flags->confirm, "the database again: delete although something stands against it")
      ->type_name("DATABASE");
  leaf.add_flag("--dry-run", flags->dry_run, "tell what would be deleted, and delete nothing");
}

}  // namespace

void AddRetentionCommands(CommandTree& tree) {
  CLI::App& noun = tree.AddNoun("retention", "Which backups stay, which go, and why", kPolicyGroup);
  auto database = std::make_shared<std::string>();
  CLI::App& leaf = tree.AddLeaf(
      noun, "plan",
      {"Say of each backup whether retention would keep it now, and why; changes nothing",
       "Without DATABASE a line for each database and policy. A policy decides about the backups that were made under "
       "it;\nthose of no policy stay. Where WHY NOT says nothing, the controller deletes what goes within the hour.",
       "backupctl retention plan\nbackupctl retention plan shop"},
      [&session = tree.session(), database] {
        return database->empty() ? PlanAll(session) : PlanOne(session, *database);
      });
  leaf.add_option("DATABASE", *database, "which database");
  AddApply(tree, noun);
  AddRetentionForecastCommands(tree, noun);
}

}  // namespace backup::ctl
