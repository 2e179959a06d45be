// SPDX-License-Identifier: Apache-2.0
#include "agent/command_line.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/command_drill.h"
#include "agent/command_dump.h"
#include "agent/command_error.h"
#include "agent/command_init_repository.h"
#include "agent/command_list.h"
#include "agent/command_restore.h"
#include "agent/command_verify.h"
#include "agent/rpc/command_enroll.h"
#include "agent/rpc/command_run.h"
#include "agent/stop_watcher.h"
#include "base/clock.h"
#include "base/errors.h"
#include "base/log.h"
#include "base/random.h"

namespace backup::agent {
namespace {

using Command = std::function<int()>;

// In the order of LogLevel.
const std::vector<std::string>& LogLevelNames() {
  static const auto* const names = new std::vector<std::string>{"debug", "info", "warning", "error"};
  return *names;
}

LogLevel LogLevelOf(const std::string& name) {
  const std::vector<std::string>& names = LogLevelNames();
  return static_cast<LogLevel>(std::find(names.begin(), names.end(), name) - names.begin());
}

constexpr char kExitCodes[] =
    "Exit codes: 0 ok, 1 failed, 2 usage, 3 not found, 4 not allowed, 5 unreachable or out of time,\n"
    "6 precondition, 8 the backup is bad, 130 interrupted.";
constexpr char kRepositoryHelp[] = "repository (default: $BACKUP_DIR, else /backups)";
constexpr char kStateHelp[] =
    "where identity, spool and held runs are kept (default: $BACKUP_STATE_DIR, else "
    "/var/lib/backup-agent)";

Command AddRun(CLI::App& app, StopSignal& stop) {
  auto options = std::make_shared<RunCommandOptions>();
  app.add_option("--config", options->config_file,
                 "agent's configuration (default: the environment: DATABASE_URL, BACKUP_DIR, BACKUP_STATE_DIR, "
                 "BACKUP_DRILL_DIR)")
      ->type_name("FILE");
  app.add_option("--state-dir", options->state_directory, "instead of the configuration's")->type_name("DIR");
  return [options, &stop] { return RunRunCommand(*options, stop, std::cerr); };
}

Command AddEnroll(CLI::App& app) {
  auto options = std::make_shared<EnrollCommandOptions>();
  app.add_option("--token-file", options->token_file, "file with the token; - reads standard input")
      ->type_name("FILE")
      ->required();
  app.add_option("--state-dir", options->state_directory, kStateHelp)->type_name("DIR");
  return [options] { return RunEnrollCommand(*options, std::cin, std::cout, std::cerr); };
}

Command AddInitRepository(CLI::App& app) {
  auto directory = std::make_shared<std::string>();
  app.add_option("DIR", *directory, kRepositoryHelp);
  return [directory] {
    return RunInitRepositoryCommand(*directory, Random::Real(), Clock::Real().Now(), std::cout, std::cerr);
  };
}

Command AddDump(CLI::App& app, StopSignal& stop) {
  auto options = std::make_shared<DumpCommandOptions>();
  auto no_globals = std::make_shared<bool>(false);
  app.add_option("--url", options->url,
                 "database, as a libpq URI (default: $DATABASE_URL); a password in it is seen by "
                 "everybody on this host, so better use the variable or --password-file")
      ->type_name("URL");
  app.add_option("--password-file", options->password_file, "file with the password on its first line")
      ->type_name("FILE");
  app.add_option("--repository", options->repository, kRepositoryHelp)->type_name("DIR");
  app.add_option("--database-id", options->database_id, "names the artifact's directory (default: the database's name)")
      ->type_name("ID");
  app.add_option("--jobs", options->jobs, "dump processes at once, 1 to 64 (default: 1)")->type_name("N");
  app.add_option("--threads", options->threads, "threads that compress (default: as many as there are processors)")
      ->type_name("N");
  app.add_option("--max-rate", options->max_rate, "read at most so many bytes for each second, e.g. 50MiB")
      ->type_name("SIZE");
  app.add_option("--compression", options->compression,
                 "gzip, gzip:1 to gzip:12, zstd, zstd:1 to zstd:19, or none (default: gzip)")
      ->type_name("CODEC");
  app.add_flag("--no-globals", *no_globals, "leave roles and tablespaces out");
  app.add_option("--pg-bindir", options->pg_bindir,
                 "directory of pg_dump (default: the installed one of the server's version or the next newer)")
      ->type_name("DIR");
  app.add_option("-o,--output", options->output, "table or json (the manifest)")->type_name("FORMAT");
  return [options, no_globals, &stop] {
    options->globals = !*no_globals;
    options->show_progress = isatty(STDERR_FILENO) == 1;
    Cancellation cancellation;
    const StopWatcher watcher(stop, cancellation);
    return RunDumpCommand(*options, cancellation, std::cout, std::cerr);
  };
}

Command AddRestore(CLI::App& app, StopSignal& stop) {
  auto options = std::make_shared<RestoreCommandOptions>();
  app.add_option("ARTIFACT_DIR", options->artifact_directory, "directory of the backup")->required();
  app.add_option("--url", options->url,
                 "a database of the server to restore to, as a libpq URI (default: $DATABASE_URL); a password in it is "
                 "seen by everybody on this host, so better use the variable or --password-file")
      ->type_name("URL");
  app.add_option("--password-file", options->password_file, "file with the password on its first line")
      ->type_name("FILE");
  app.add_option("--create-database", options->create_database,
                 "make a database of this name; it has the name only once all is in it")
      ->type_name("NAME");
  app.add_option("--into", options->into_database,
                 "use this database, which must be empty unless --into-schema is given")
      ->type_name("NAME");
  app.add_option("--into-schema", options->into_schema,
                 "with --into: leave everything that is in the database as it is, and make this schema beside it with "
                 "the chosen tables, their rows, indexes and constraints")
      ->type_name("NAME");
  app.add_option("--table", options->tables,
                 "load the rows of this table only; may be repeated. All else of the schema is made, empty")
      ->type_name("SCHEMA.TABLE")
      ->allow_extra_args(false);
  app.add_option("--schema", options->schemas, "load the rows of this schema's tables only; may be repeated")
      ->type_name("SCHEMA")
      ->allow_extra_args(false);
  app.add_option("--jobs", options->jobs, "tables loaded and indexes built at once, 1 to 64 (default: 2)")
      ->type_name("N");
  app.add_flag("--create-roles", options->create_roles,
               "make the roles that the server lacks first, without passwords; those that are there stay as they are");
  app.add_flag("--no-tablespaces", options->ignore_tablespaces, "put everything into the default tablespace");
  app.add_flag("--prove", options->prove, "read every table again afterwards, and compare its contents");
  app.add_flag("--plan", options->plan,
               "change nothing: read the backup back, look at the server, say what is missing");
  app.add_option("-o,--output", options->output, "table or json")->type_name("FORMAT");
  return [options, &stop] {
    options->show_progress = isatty(STDERR_FILENO) == 1;
    Cancellation cancellation;
    const StopWatcher watcher(stop, cancellation);
    return RunRestoreCommand(*options, cancellation, std::cout, std::cerr);
  };
}

Command AddDrill(CLI::App& app, StopSignal& stop) {
  auto options = std::make_shared<DrillCommandOptions>();
  app.add_option("ARTIFACT_DIR", options->artifact_directory, "directory of the backup")->required();
  app.add_option("--assert", options->assertions,
                 "a query that gives one row with one true when all is well; may be repeated")
      ->type_name("SQL")
      ->allow_extra_args(false);
  app.add_option("--work-dir", options->work_directory,
                 "where the throwaway server is made; it needs room for the database (default: /var/tmp)")
      ->type_name("DIR");
  app.add_option("--jobs", options->jobs, "tables loaded and indexes built at once, 1 to 64 (default: 2)")
      ->type_name("N");
  app.add_option(
         "--pg-bindir", options->pg_bindir,
         "directory of initdb and postgres (default: the installed ones of the dump's version or the next newer)")
      ->type_name("DIR");
  app.add_option("-o,--output", options->output, "table or json")->type_name("FORMAT");
  return [options, &stop] {
    options->show_progress = isatty(STDERR_FILENO) == 1;
    Cancellation cancellation;
    const StopWatcher watcher(stop, cancellation);
    return RunDrillCommand(*options, cancellation, std::cout, std::cerr);
  };
}

Command AddVerify(CLI::App& app, StopSignal& stop) {
  auto options = std::make_shared<VerifyCommandOptions>();
  app.add_option("ARTIFACT_DIR", options->artifact_directory, "directory of the backup")->required();
  app.add_option("-o,--output", options->output, "table or json")->type_name("FORMAT");
  return [options, &stop] {
    Cancellation cancellation;
    const StopWatcher watcher(stop, cancellation);
    return RunVerifyCommand(*options, cancellation, std::cout, std::cerr);
  };
}

Command AddList(CLI::App& app) {
  auto options = std::make_shared<ListCommandOptions>();
  app.add_option("--repository", options->repository, kRepositoryHelp)->type_name("DIR");
  app.add_option("-o,--output", options->output, "table, json (the manifests) or name (the paths)")
      ->type_name("FORMAT");
  return [options] { return RunListCommand(*options, Clock::Real().Now(), std::cout, std::cerr); };
}

}  // namespace

int RunCommandLine(int argc, char** argv, StopSignal& stop) {
  CLI::App app("Backs up the PostgreSQL databases of this host: as a daemon for a controller, or once by hand.",
               "backup-agent");
  app.set_version_flag("--version", std::string("backup-agent ") + BACKUPCTL_VERSION);
  app.footer(kExitCodes);
  app.require_subcommand(1);
  std::string log_level = "info";
  std::map<const CLI::App*, Command> commands;
  const auto add = [&](const char* name, const char* summary, const auto& make) {
    CLI::App* leaf = app.add_subcommand(name, summary);
    leaf->footer(kExitCodes);
    leaf->add_option("--log-level", log_level, "least level of log lines (default: info)")
        ->check(CLI::IsMember(LogLevelNames()))
        ->type_name("LEVEL");
    commands[leaf] = make(*leaf);
  };
  add("run", "the daemon: serves a controller until SIGTERM", [&](CLI::App& leaf) { return AddRun(leaf, stop); });
  add("enroll", "make this host an agent of a controller", [](CLI::App& leaf) { return AddEnroll(leaf); });
  add("init-repository", "make a directory a repository", [](CLI::App& leaf) { return AddInitRepository(leaf); });
  add("dump", "one backup now, without a controller", [&](CLI::App& leaf) { return AddDump(leaf, stop); });
  add("verify", "read a stored backup back and hold it against its manifest",
      [&](CLI::App& leaf) { return AddVerify(leaf, stop); });
  add("restore", "load a stored backup into a new or empty database",
      [&](CLI::App& leaf) { return AddRestore(leaf, stop); });
  add("drill", "prove that a stored backup comes back: restore it into a throwaway server and compare every table",
      [&](CLI::App& leaf) { return AddDrill(leaf, stop); });
  add("list", "what is stored in a repository", [](CLI::App& leaf) { return AddList(leaf); });

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& wanted) {  // --help, --version.
    return app.exit(wanted, std::cout, std::cerr);
  } catch (const CLI::ParseError& error) {
    return PrintCommandError(
        MakeError(absl::StatusCode::kInvalidArgument, "WRONG_USAGE", error.what(),
                  "`backup-agent --help` tells the commands, `backup-agent COMMAND --help` their flags"),
        std::cerr);
  }
  const char* log_file = std::getenv("LOG_FILE");
  LogOptions log;
  log.level = LogLevelOf(log_level);
  log.file = log_file == nullptr ? "" : log_file;
  if (const absl::Status status = InitLog(log); !status.ok()) {
    return PrintCommandError(status, std::cerr);
  }
  const int exit_code = commands.at(app.get_subcommands().front())();
  std::cout.flush();
  if (exit_code == 0 && !std::cout.good()) {
    return PrintCommandError(OutputFailed(), std::cerr);
  }
  return exit_code;
}

}  // namespace backup::agent
