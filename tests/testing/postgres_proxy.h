// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "base/file.h"
#include "base/mutex.h"

namespace backup::testing {

// Stands between a client and a PostgreSQL server, both on Unix sockets, and cuts the connection at the worst moment.
// Thread-safe.
class PostgresProxy {
 public:
  // Forwards to the server whose socket is `.s.PGSQL.{port}` in `server_directory`.
  static absl::StatusOr<std::unique_ptr<PostgresProxy>> Start(const std::string& server_directory, int port);
  // Ends every connection.
  ~PostgresProxy();
  PostgresProxy(const PostgresProxy&) = delete;
  PostgresProxy& operator=(const PostgresProxy&) = delete;

  // The folder of its own socket, for `host=`; the same port.
  const std::string& socket_directory() const { return directory_; }

  enum class Loss {
    kRequest,  // Cut before the COMMIT reaches the server: it rolls back.
    kAnswer,   // Cut after the server has committed, before the client hears of it.
  };
  // What happens to the next COMMIT, on whatever connection; once.
  void LoseNextCommit(Loss loss);
  // While true, and at once after a cut when `after_cut`: connections are closed as soon as they are made.
  void SetRefusing(bool refusing, bool after_cut = false);
  // COMMITs that were cut.
  int cut_count() const;

 private:
  PostgresProxy(std::string directory, std::string server_path);
  absl::Status Listen(int port);
  void Accept();
  void Forward(FileDescriptor client);
  // What to do about these bytes of the client.
  enum class Action { kPass, kCut, kPassThenCut };
  Action Decide(const std::string& bytes);

  const std::string directory_;
  const std::string server_path_;
  FileDescriptor listener_;
  FileDescriptor stop_;  // Readable once it is to end.

  mutable Mutex mu_;
  bool has_loss_ ABSL_GUARDED_BY(mu_) = false;
  Loss loss_ ABSL_GUARDED_BY(mu_) = Loss::kRequest;
  bool refusing_ ABSL_GUARDED_BY(mu_) = false;
  bool refuse_after_cut_ ABSL_GUARDED_BY(mu_) = false;
  int cut_count_ ABSL_GUARDED_BY(mu_) = 0;
  std::vector<std::thread> connections_ ABSL_GUARDED_BY(mu_);
  std::thread acceptor_;
};

}  // namespace backup::testing
