// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <filesystem>
#include <memory>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "base/units.h"
#include "ctl/commands.h"
#include "ctl/dev_down.h"
#include "ctl/dev_layout.h"
#include "ctl/dev_up.h"
#include "ctl/short_name.h"

namespace backup::ctl {
namespace {

absl::StatusOr<DevLayout> ChooseLayout(Session& session, const std::string& directory) {
  DevLayout layout;
  if (directory.empty()) {
    ASSIGN_OR_RETURN(layout.root, DefaultDevDirectory(session.environment().variables, geteuid() == 0));
  } else {
    layout.root = directory;
  }
  std::error_code error;
  layout.root = std::filesystem::absolute(layout.root, error).lexically_normal().string();
  if (layout.root.size() > 1 && layout.root.back() == '/') layout.root.pop_back();
  return layout;
}

std::string UpText(Session& session, const DevLayout& layout, const DevReport& report) {
  const v1::Backup& backup = report.backup;
  const std::string program =
      report.is_current_context ? "backupctl" : absl::StrCat("backupctl --context ", kDevContext);
  std::string text = LayOutFacts(
      {
          {"backup",
           {absl::StrCat(ShortName(backup.name()), ", ", FormatSize(backup.size_bytes()), ", read back and good")}},
          {"artifact", {backup.path()}},
          {"database", {ShortName(report.database)}},
          {"controller", {report.controller}},
          {"files", {layout.root}},
          {"logs", {layout.log_directory()}},
      },
      session.output().options().color);
  absl::StrAppend(&text, "\nnext:\n  ", program, " status\n  ", program, " backup run ",
                  ShellWord(ShortName(report.database)), " --wait\n  ", program, " dev down\n");
  return text;
}

absl::StatusOr<ExitCode> RunUp(Session& session, const std::string& directory, const DevUpOptions& options) {
  ASSIGN_OR_RETURN(const DevLayout layout, ChooseLayout(session, directory));
  ASSIGN_OR_RETURN(const DevReport report, DevUp(session, layout, options));
  session.Say(absl::StrCat(report.made_backup ? "first verified backup after " : "all of it runs already; looked for ",
                           backup::FormatDuration(absl::Floor(report.duration, absl::Milliseconds(100)))));
  nlohmann::ordered_json json;
  json["context"] = kDevContext;
  json["controller"] = report.controller;
  json["database"] = report.database;
  json["repository"] = report.repository;
  json["directory"] = layout.root;
  json["logs"] = layout.log_directory();
  json["madeBackup"] = report.made_backup;
  json["backup"] = JsonTree(report.backup);
  session.output().Value(json, report.backup.name(), [&] { return UpText(session, layout, report); });
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> RunDown(Session& session, const std::string& directory, const DevDownOptions& options) {
  ASSIGN_OR_RETURN(const DevLayout layout, ChooseLayout(session, directory));
  ASSIGN_OR_RETURN(const DevDownReport report, DevDown(session, layout, options));
  nlohmann::ordered_json json;
  json["wasThere"] = report.was_there;
  json["keptRepository"] = report.kept_repository;
  session.output().Value(json, "", [&]() -> std::string {
    if (!report.was_there) return absl::StrCat("nothing runs in ", CleanText(layout.root), "\n");
    if (report.kept_repository.empty()) return "nothing is left\n";
    return absl::StrCat("backups are left in ", CleanText(report.kept_repository),
                        " (--delete-backups removes them)\n");
  });
  return ExitCode::kOk;
}

}  // namespace

void AddDevCommands(CommandTree& tree) {
  Session& session = tree.session();
  CLI::App& noun = tree.AddNoun("dev", "A whole fleet on this machine, to try things on", kToolGroup);

  const auto directory = std::make_shared<std::string>();
  const auto up_options = std::make_shared<DevUpOptions>();
  CLI::App& up = tree.AddLeaf(
      noun, "up",
      {"Start a controller and an agent, and make a first verified backup",
       "Starts a controller with a private catalog and its own certificate authority, enrols an agent beside the "
       "database, "
       "makes policy \"nightly\" (daily at 22:00) and a first backup. Everything keeps running until backupctl dev "
       "down. What "
       "is there already stays as it is. Without --url and DATABASE_URL it makes a small sample database in a server "
       "of its "
       "own. BACKUP_DIR says where backups go, BACKUP_RETENTION_DAYS (default 30) how long they are kept. A password "
       "in "
       "--url can be seen by other users of this machine while the command runs; one in DATABASE_URL cannot.",
       "backupctl dev up\nDATABASE_URL=postgresql://me@localhost/shop backupctl dev up"},
      [&session, directory, up_options] { return RunUp(session, *directory, *up_options); });
  up.add_option("--url", up_options->url, "the database to back up (default: $DATABASE_URL)")->type_name("URL");
  up.add_option("--repository", up_options->repository, "where backups go (default: $BACKUP_DIR, else in --dir)")
      ->type_name("DIR");
  up.add_option("--dir", *directory, "where everything else goes (default: backupctl/dev in the user's data directory)")
      ->type_name("DIR");

  const auto down_options = std::make_shared<DevDownOptions>();
  CLI::App& down =
      tree.AddLeaf(noun, "down",
                   {"Stop what dev up started, and remove its files",
                    "Stops agent, controller and sample server, and removes their files and the context. Backups of a "
                    "database of yours "
                    "stay unless --delete-backups is given; those of the sample database go.",
                    "backupctl dev down"},
                   [&session, directory, down_options] { return RunDown(session, *directory, *down_options); });
  down.add_flag("--delete-backups", down_options->delete_backups, "remove the backups too");
  down.add_option("--dir", *directory, "as with dev up")->type_name("DIR");
}

}  // namespace backup::ctl
