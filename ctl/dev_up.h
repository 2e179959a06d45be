// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "backup/v1/backup.pb.h"
#include "ctl/dev_layout.h"
#include "ctl/session.h"

namespace backup::ctl {

// The name of the context that `dev up` makes.
inline constexpr char kDevContext[] = "dev";

struct DevUpOptions {
  // The database to back up, a libpq URL. "": as the last time, else a small sample database in a server of its own.
  std::string url;
  // Directory of the artifacts. "": as the last time, else one in the dev directory.
  std::string repository;
};

// What stands when `dev up` has ended.
struct DevReport {
  std::string controller;  // host:port.
  // False: another context is the current one, and commands need `--context dev`.
  bool is_current_context = true;
  std::string repository;
  std::string database;  // `agents/dev/databases/{database}`.
  // The newest good backup of it.
  v1::Backup backup;
  // True when it was made just now.
  bool made_backup = false;
  absl::Duration duration;
};

// Sees to it that everything runs: sample server if wanted, controller with private catalog and CA, context, enrolled
// agent, policy `nightly`, a good backup. What is there and runs stays as it is, so a second call changes nothing. Says
// each step on stderr. After an error, what runs stays; a further call goes on from there.
//
// FAILED_PRECONDITION LOCKED when another dev command works on the directory, CONTEXT_IN_USE when a context "dev" of
// another controller exists; those of the steps; a first backup that failed: INTERNAL with its cause as the reason.
absl::StatusOr<DevReport> DevUp(Session& session, const DevLayout& layout, const DevUpOptions& options);

}  // namespace backup::ctl
