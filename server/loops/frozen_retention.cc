// SPDX-License-Identifier: Apache-2.0
#include "server/loops/frozen_retention.h"

#include <algorithm>

namespace backup::server {

void FrozenRetention::Note(const v1::RetentionPlan& plan) {
  std::vector<std::string> reasons;
  for (const v1::PolicyRetention& policy : plan.policies()) {
    for (const std::string& reason : policy.frozen()) {
      if (std::find(reasons.begin(), reasons.end(), reason) == reasons.end()) reasons.push_back(reason);
    }
  }
  MutexLock lock(mu_);
  if (reasons.empty()) {
    reasons_.erase(plan.database());
  } else {
    reasons_[plan.database()] = std::move(reasons);
  }
}

void FrozenRetention::KeepOnly(const std::set<std::string>& databases) {
  MutexLock lock(mu_);
  std::erase_if(reasons_, [&](const auto& entry) { return !databases.contains(entry.first); });
}

void FrozenRetention::FillIn(v1::FleetStatus& status) const {
  MutexLock lock(mu_);
  for (v1::DatabaseStatus& database : *status.mutable_databases()) {
    const auto found = reasons_.find(database.database().name());
    if (found == reasons_.end()) {
      database.clear_retention_frozen();
    } else {
      database.mutable_retention_frozen()->Assign(found->second.begin(), found->second.end());
    }
  }
}

}  // namespace backup::server
