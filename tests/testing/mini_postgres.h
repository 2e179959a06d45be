// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/child_process.h"

namespace backup::testing {

struct MiniPostgresOptions {
  // Folder of initdb and postgres. Default: the newest /usr/lib/postgresql/*/bin.
  std::string bindir;
  // Also listens on 127.0.0.1, on a port that the system chose; every login there needs a password (SCRAM-SHA-256).
  // Default: only the Unix socket.
  bool tcp = false;
  // Roles other than the superuser must give a password (SCRAM-SHA-256) on the socket too. Default: nobody must.
  bool require_passwords = false;
  // Lines of postgresql.conf beyond ours, name and value as SQL would write it, e.g. {"max_connections", "5"}. A later
  // one wins. Default: none.
  std::vector<std::pair<std::string, std::string>> settings;
  // Encoding and locale of the cluster. Default: UTF8 and C.
  std::string encoding = "UTF8";
  std::string locale = "C";
};

// A PostgreSQL cluster of one's own, thrown away at the end: a fresh data directory, a private Unix socket with a short
// path, fsync off. The server runs as user postgres when we are root, else as ourselves, and dies with this process.
// About 1 s to make, 0.2 s to start again.
//
// Not thread-safe, but for Url, TcpUrl, Execute and Query. The thread that starts it must live as long as the server
// runs.
class MiniPostgres {
 public:
  // A running cluster.
  static absl::StatusOr<std::unique_ptr<MiniPostgres>> Create(MiniPostgresOptions options = {});
  // Stops the server, drops every connection, removes all files.
  ~MiniPostgres();
  MiniPostgres(const MiniPostgres&) = delete;
  MiniPostgres& operator=(const MiniPostgres&) = delete;

  enum class StopMode {
    kFast,       // Sessions are ended, data is written out.
    kImmediate,  // As a crash: the next start recovers.
  };
  // Returns when the server is gone. OK when it was not running.
  absl::Status Stop(StopMode mode = StopMode::kFast);
  // Returns when it takes connections; on the same port as before. OK when it runs.
  absl::Status Start();
  absl::Status Restart(StopMode mode = StopMode::kFast);

  // Name of the superuser.
  static constexpr char kSuperuser[] = "postgres";
  // URL over the socket, without a password. The names may hold any bytes.
  std::string Url(absl::string_view database = "postgres", absl::string_view user = kSuperuser) const;
  // URL over TCP, with a password in it. Only with MiniPostgresOptions::tcp.
  std::string TcpUrl(absl::string_view database, absl::string_view user, absl::string_view password) const;

  // Runs one or more statements as superuser, each transaction by itself.
  absl::Status Execute(const std::string& sql, absl::string_view database = "postgres") const;
  // The same; returns the first column of the first row, "" when there is none or it is NULL.
  absl::StatusOr<std::string> Query(const std::string& sql, absl::string_view database = "postgres") const;

  // Folder of the programs of this server, for pg_dump and psql.
  const std::string& bindir() const { return options_.bindir; }
  const std::string& socket_directory() const { return directory_; }
  std::string data_directory() const { return directory_ + "/data"; }
  // Of the socket, and with Options::tcp also on 127.0.0.1.
  int port() const { return port_; }
  // Of the postmaster; -1 when it does not run.
  pid_t pid() const { return server_ != nullptr ? server_->pid() : -1; }

 private:
  explicit MiniPostgres(MiniPostgresOptions options);
  absl::Status MakeDirectory();
  absl::Status InitDatabase();
  absl::Status StartOnce();
  absl::Status AwaitReady();
  ChildOptions Child(std::vector<std::string> argv) const;

  MiniPostgresOptions options_;
  std::string directory_;
  int port_ = 0;
  std::unique_ptr<ChildProcess> server_;
};

}  // namespace backup::testing
