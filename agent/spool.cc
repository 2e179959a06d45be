// SPDX-License-Identifier: Apache-2.0
#include "agent/spool.h"

#include <utility>

#include "base/errors.h"
#include "base/log.h"
#include "base/status_macros.h"

namespace backup::agent {

Spool::Spool(const std::string& directory, std::string refused_directory, const std::string& corrupt_directory)
    : files_(directory, corrupt_directory), refused_directory_(std::move(refused_directory)) {}

absl::Status Spool::Load() {
  MutexLock lock(mu_);
  ASSIGN_OR_RETURN(const std::vector<std::string> names, files_.Names());
  for (const std::string& name : names) {
    absl::StatusOr<AttemptKey> key = ParseAttemptFileName(name);
    if (!key.ok()) {
      RETURN_IF_ERROR(files_.SetAside(name, key.status().message()));
      continue;
    }
    v1::CompleteRunRequest result;
    if (!files_.Read(name, &result).ok()) {
      continue;
    }
    if (KeyOf(result.attempt()) != *key) {
      RETURN_IF_ERROR(files_.SetAside(name, "it is about another attempt than its name says"));
      continue;
    }
    results_[*key] = nullptr;
  }
  return absl::OkStatus();
}

absl::Status Spool::Put(const v1::CompleteRunRequest& result) {
  const AttemptKey key = KeyOf(result.attempt());
  RETURN_IF_ERROR(AttemptFileName(key).status());
  MutexLock lock(mu_);
  results_[key] = std::make_unique<v1::CompleteRunRequest>(result);
  absl::Status status = WriteLocked(key);
  if (!status.ok()) {
    LogError("a result could not be written to the spool and is kept in memory",
             {{"run", key.first}, {"error", status}});
  }
  return status;
}

absl::Status Spool::WriteLocked(const AttemptKey& key) {
  std::unique_ptr<v1::CompleteRunRequest>& result = results_[key];
  ASSIGN_OR_RETURN(const std::string name, AttemptFileName(key));
  RETURN_IF_ERROR(files_.Write(name, *result));
  result.reset();
  return absl::OkStatus();
}

absl::Status Spool::Write() {
  MutexLock lock(mu_);
  for (auto& [key, result] : results_) {
    if (result != nullptr) {
      RETURN_IF_ERROR(WriteLocked(key));
    }
  }
  return absl::OkStatus();
}

std::vector<AttemptKey> Spool::Keys() const {
  MutexLock lock(mu_);
  std::vector<AttemptKey> keys;
  for (const auto& [key, result] : results_) {
    keys.push_back(key);
  }
  return keys;
}

bool Spool::Contains(const AttemptKey& key) const {
  MutexLock lock(mu_);
  return results_.contains(key);
}

absl::StatusOr<v1::CompleteRunRequest> Spool::Get(const AttemptKey& key) {
  MutexLock lock(mu_);
  auto it = results_.find(key);
  if (it == results_.end()) {
    return RunNotFound(key.first);
  }
  if (it->second != nullptr) {
    return *it->second;
  }
  v1::CompleteRunRequest result;
  ASSIGN_OR_RETURN(const std::string name, AttemptFileName(key));
  const absl::Status status = files_.Read(name, &result);
  if (absl::IsNotFound(status) || absl::IsDataLoss(status)) {
    LogError("a result in the spool is gone", {{"run", key.first}, {"error", status}});
    results_.erase(it);
    return RunNotFound(key.first);
  }
  RETURN_IF_ERROR(status);
  return result;
}

absl::Status Spool::Acknowledge(const AttemptKey& key) {
  MutexLock lock(mu_);
  results_.erase(key);
  ASSIGN_OR_RETURN(const std::string name, AttemptFileName(key));
  return files_.Remove(name);
}

absl::Status Spool::Refuse(const AttemptKey& key) {
  MutexLock lock(mu_);
  auto it = results_.find(key);
  if (it == results_.end()) {
    return absl::OkStatus();
  }
  if (it->second != nullptr) {
    RETURN_IF_ERROR(WriteLocked(key));
  }
  results_.erase(it);
  ASSIGN_OR_RETURN(const std::string name, AttemptFileName(key));
  return files_.MoveTo(name, refused_directory_);
}

}  // namespace backup::agent
