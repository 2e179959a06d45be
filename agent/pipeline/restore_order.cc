// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/restore_order.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace backup::agent {
namespace {

// How many that wait are compared, so that ten thousand of them cost no time.
constexpr size_t kLookAhead = 64;

bool Overlap(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return std::any_of(a.begin(), a.end(),
                     [&b](const std::string& key) { return std::find(b.begin(), b.end(), key) != b.end(); });
}

bool Conflict(const RestoreTask& a, const RestoreTask& b) {
  return Overlap(a.exclusive, b.exclusive) || Overlap(a.exclusive, b.shared) || Overlap(a.shared, b.exclusive);
}

// Injective: a quoted name may hold a dot.
std::string KeyOf(const QualifiedName& table) {
  return absl::StrCat(table.schema.size(), ".", table.schema, table.name);
}

}  // namespace

void RestoreOrder::Add(std::unique_ptr<RestoreTask> task) { waiting_.push_back(std::move(task)); }

const RestoreTask* RestoreOrder::Next() {
  auto longest = waiting_.end();
  const auto compared = waiting_.begin() + static_cast<std::ptrdiff_t>(std::min(waiting_.size(), kLookAhead));
  for (auto task = waiting_.begin(); task != waiting_.end() && (task < compared || longest == waiting_.end()); ++task) {
    if (longest != waiting_.end() && (*task)->weight <= (*longest)->weight) {
      continue;
    }
    const auto conflicts = [&](const std::unique_ptr<RestoreTask>& other) { return Conflict(**task, *other); };
    if (std::none_of(waiting_.begin(), task, conflicts) && std::none_of(running_.begin(), running_.end(), conflicts)) {
      longest = task;
    }
  }
  if (longest == waiting_.end()) {
    return nullptr;
  }
  running_.push_back(std::move(*longest));
  waiting_.erase(longest);
  return running_.back().get();
}

void RestoreOrder::Done(const RestoreTask* task) {
  running_.erase(std::find_if(running_.begin(), running_.end(),
                              [task](const std::unique_ptr<RestoreTask>& other) { return other.get() == task; }));
}

std::optional<RestoreTask> TaskOf(const DumpStatement& statement, const RestoreTask* previous) {
  RestoreTask task;
  task.statements = {statement.text};
  switch (statement.kind) {
    case RestoreKind::kIndex:
      task.shared = {KeyOf(statement.table)};
      return task;
    case RestoreKind::kCopy:
    case RestoreKind::kTable:
      task.exclusive = {KeyOf(statement.table)};
      return task;
    case RestoreKind::kForeignKey:
      task.exclusive = {KeyOf(statement.table), KeyOf(statement.referenced)};
      return task;
    case RestoreKind::kFollower:
      if (previous == nullptr) {
        return std::nullopt;
      }
      task.exclusive = previous->exclusive;
      task.exclusive.insert(task.exclusive.end(), previous->shared.begin(), previous->shared.end());
      return task;
    default:
      return std::nullopt;
  }
}

}  // namespace backup::agent
