// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/log.h"

namespace backup::server {

// How a controller is to run.
struct ControllerOptions {
  // Everything it keeps: pki/, admin/, catalog/, lock, address. Default: /var/lib/backup-controller.
  std::string data_directory = "/var/lib/backup-controller";
  // Where it listens, host:port; port 0 takes any free one. Default: 127.0.0.1:7443.
  std::string listen = "127.0.0.1:7443";
  // What agents dial, host:port; goes into enrolment tokens and the certificate. Default: where it listens.
  std::string advertise;
  // The catalog, a libpq URL or conninfo; may hold a password. Default: a private cluster in the data directory.
  std::string catalog_url;
  // The unix user that runs the private cluster when the controller runs as root. Default: postgres.
  std::string catalog_user = "postgres";
  // How long a run's lease lasts after each report of its agent. 3 s to 1 h. Default: 60 s.
  absl::Duration lease_duration = absl::Seconds(60);
  // How often agents report progress; at most a third of the lease, so that one lost report loses no run. From 100 ms.
  // Default: 3 s.
  absl::Duration progress_interval = absl::Seconds(3);
  // Runs that may work at once in the whole fleet; 0: no limit. With a limit, runs by schedule start only while the
  // controller is there to give them a place. Default: 0.
  int64_t max_running_runs = 0;
  // Events and ended runs of whole months that are older than this are removed, and the runs counted; those of a backup
  // that exists stay. At least 30 d. Default: 400 d.
  absl::Duration history_age = absl::Hours(24 * 400);
  // Default: info.
  LogLevel log_level = LogLevel::kInfo;
};

// Puts what the file says into `options`; what it does not say stays. Strict YAML: apiVersion, kind: ControllerConfig,
// dataDirectory, listen, advertise, catalog, catalogFile, catalogUser, leaseDuration, progressInterval, maxRunningRuns,
// historyAge, logLevel. All mistakes at once, each with FILE:LINE:COLUMN. INVALID_ARGUMENT, or the error of reading the
// file.
absl::Status ReadConfigFile(const std::string& path, ControllerOptions& options);

// INVALID_FIELD when a value is out of its range or two contradict each other.
absl::Status CheckOptions(const ControllerOptions& options);

// Reads a catalog's URL from the one line of a file that nobody else may read. FAILED_PRECONDITION SECRET_FILE_EXPOSED.
absl::StatusOr<std::string> ReadCatalogFile(const std::string& path);

// INVALID_ARGUMENT PASSWORD_IN_CATALOG_URL: `where` (a command line, the configuration file) is read by others.
absl::Status RefusePassword(const std::string& catalog_url, const std::string& where);

}  // namespace backup::server
