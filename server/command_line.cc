// SPDX-License-Identifier: Apache-2.0
#include "server/command_line.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/units.h"
#include "server/error_text.h"
#include "server/log_level.h"

namespace backup::server {
namespace {

constexpr int kUsage = 2;

// As typed; empty means not given.
struct Flags {
  std::string config;
  std::string data_directory;
  std::string listen;
  std::string advertise;
  std::string catalog;
  std::string catalog_file;
  std::string catalog_user;
  std::string lease_duration;
  std::string progress_interval;
  std::string history_age;
  std::string log_level;
};

void AddFlags(CLI::App& app, Flags& flags) {
  app.add_option("--config", flags.config, "Configuration file (YAML); flags win over it")->type_name("FILE");
  app.add_option("--data-dir", flags.data_directory, "Where everything is kept (default: /var/lib/backup-controller)")
      ->type_name("DIR");
  app.add_option("--listen", flags.listen, "Where to listen; port 0 takes any (default: 127.0.0.1:7443)")
      ->type_name("HOST:PORT");
  app.add_option("--advertise", flags.advertise, "What agents dial (default: as --listen)")->type_name("HOST:PORT");
  CLI::Option* catalog =
      app.add_option("--catalog", flags.catalog,
                     "The catalog's database, a libpq URL without password (default: a private server)")
          ->type_name("URL");
  app.add_option("--catalog-file", flags.catalog_file, "The same from a file of mode 0600; may hold a password")
      ->type_name("FILE")
      ->excludes(catalog);
  app.add_option("--catalog-user", flags.catalog_user,
                 "Unix user that runs the private server when started as root (default: postgres)")
      ->type_name("NAME");
  app.add_option("--lease-duration", flags.lease_duration,
                 "How long a silent agent's run counts as running (default: 60s)")
      ->type_name("DURATION");
  app.add_option("--progress-interval", flags.progress_interval, "How often agents report progress (default: 3s)")
      ->type_name("DURATION");
  app.add_option("--history-age", flags.history_age, "How long ended runs and events are kept (default: 400d)")
      ->type_name("DURATION");
  app.add_option("--log-level", flags.log_level, "Least level of log lines (default: info)")
      ->check(CLI::IsMember(LogLevelNames()));
}

absl::Status PutDuration(absl::string_view flag, const std::string& text, absl::Duration& option) {
  if (text.empty()) {
    return absl::OkStatus();
  }
  const absl::StatusOr<absl::Duration> duration = ParseDuration(text);
  if (!duration.ok()) {
    return InvalidField(flag, duration.status().message(), ErrorHint(duration.status()));
  }
  option = *duration;
  return absl::OkStatus();
}

void PutText(const std::string& text, std::string& option) {
  if (!text.empty()) {
    option = text;
  }
}

absl::StatusOr<ControllerOptions> MakeOptions(const Flags& flags) {
  ControllerOptions options;
  if (!flags.config.empty()) {
    RETURN_IF_ERROR(ReadConfigFile(flags.config, options));
  }
  PutText(flags.data_directory, options.data_directory);
  PutText(flags.listen, options.listen);
  PutText(flags.advertise, options.advertise);
  PutText(flags.catalog_user, options.catalog_user);
  if (!flags.catalog.empty()) {
    RETURN_IF_ERROR(RefusePassword(flags.catalog, "a command line"));
    options.catalog_url = flags.catalog;
  }
  if (!flags.catalog_file.empty()) {
    ASSIGN_OR_RETURN(options.catalog_url, ReadCatalogFile(flags.catalog_file));
  }
  RETURN_IF_ERROR(PutDuration("lease-duration", flags.lease_duration, options.lease_duration));
  RETURN_IF_ERROR(PutDuration("progress-interval", flags.progress_interval, options.progress_interval));
  RETURN_IF_ERROR(PutDuration("history-age", flags.history_age, options.history_age));
  if (!flags.log_level.empty()) {
    options.log_level = *ParseLogLevel(flags.log_level);
  }
  RETURN_IF_ERROR(CheckOptions(options));
  return options;
}

}  // namespace

CommandLine ParseCommandLine(int argc, const char* const* argv) {
  CLI::App app(
      "The controller of a fleet of backup agents: keeps policies and the catalog, plans runs, watches over them.",
      "backup-controller");
  app.set_version_flag("--version", absl::StrCat("backup-controller ", BACKUPCTL_VERSION));
  app.footer(
      "Environment: LOG_FILE names a file to which the log is appended as well.\n"
      "Exit codes: 0 stopped by SIGTERM or SIGINT, 1 failed, 2 wrong usage or configuration.");
  Flags flags;
  AddFlags(app, flags);
  CommandLine result;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    result.exit_code = app.exit(error) == 0 ? 0 : kUsage;
    return result;
  }
  absl::StatusOr<ControllerOptions> options = MakeOptions(flags);
  if (!options.ok()) {
    std::cerr << ErrorText(options.status());
    result.exit_code = kUsage;
    return result;
  }
  result.options = *std::move(options);
  return result;
}

}  // namespace backup::server
