// SPDX-License-Identifier: Apache-2.0
#include "server/loops/frozen_retention.h"

#include <algorithm>
#include <utility>

namespace backup::server {

void FrozenRetention::Note(const v1::RetentionPlan& plan) {
  std::vector<std::string> reasons;
  for (const v1::PolicyRetention& policy : plan.policies()) {
    for (const std::string& reason : policy.frozen()) {
      if (std::find(reasons.begin(), reasons.end(), reason) == reasons.end()) reasons.push_back(reason);
    }
  }
  MutexLock lock(mu_);
  ++note_count_;
  if (reasons.empty()) {
    entries_.erase(plan.database());
  } else {
    entries_[plan.database()] = {std::move(reasons), note_count_};
  }
}

int64_t FrozenRetention::mark() const {
  MutexLock lock(mu_);
  return note_count_;
}

void FrozenRetention::KeepOnly(const std::set<std::string>& databases, int64_t mark) {
  MutexLock lock(mu_);
  std::erase_if(entries_,
                [&](const auto& entry) { return entry.second.number <= mark && !databases.contains(entry.first); });
}

void FrozenRetention::FillIn(v1::FleetStatus& status) const {
  MutexLock lock(mu_);
  for (v1::DatabaseStatus& database : *status.mutable_databases()) {
    const auto found = entries_.find(database.database().name());
    if (found == entries_.end()) {
      database.clear_retention_frozen();
    } else {
      database.mutable_retention_frozen()->Assign(found->second.reasons.begin(), found->second.reasons.end());
    }
  }
}

}  // namespace backup::server
