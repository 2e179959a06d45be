// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/pipeline/dump_statements.h"

namespace backup::agent {

// A piece of a restore that may run beside others: the rows of one table, or statements that build on one table.
struct RestoreTask {
  std::vector<std::string> statements;  // In order, in one session.
  std::optional<size_t> rows_of;        // Number of the table whose rows follow the statement, a COPY.
  // What it locks, so that two tasks do not wait for each other in the server, and none overtakes one that it needs.
  std::vector<std::string> exclusive;
  std::vector<std::string> shared;
  int64_t weight = 0;  // How long it takes, compared with others.
};

// Gives out tasks so that the result is that of doing them one by one: a task waits for those before it, running or
// not, that lock what it locks, unless both only share it. Not thread-safe.
class RestoreOrder {
 public:
  void Add(std::unique_ptr<RestoreTask> task);
  // Of the first that wait, the longest that may run now; null when there is none. It runs until Done.
  const RestoreTask* Next();
  void Done(const RestoreTask* task);
  bool empty() const { return waiting_.empty() && running_.empty(); }
  size_t waiting_count() const { return waiting_.size(); }

 private:
  std::deque<std::unique_ptr<RestoreTask>> waiting_;
  std::vector<std::unique_ptr<RestoreTask>> running_;
};

// The task that a table's COPY or a statement after the data is; nothing for one that only its place is right for. A
// kFollower has what `previous`, the statement before it, has. What builds on a table so waits for its rows, and for
// nobody else's.
std::optional<RestoreTask> TaskOf(const DumpStatement& statement, const RestoreTask* previous);

}  // namespace backup::agent
