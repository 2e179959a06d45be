// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "backup/v1/backup.pb.h"
#include "backup/v1/policy.pb.h"
#include "backup/v1/retention.pb.h"

namespace backup::server {

// What is to be said today of one backup's place in the plan for its database: what retention would do with it, what
// keeps it and in which place, what stands against a deletion. Says nothing of times to come. `policy` is the one that
// made it, nothing when it is gone. A backup that is not in the plan gets no decision but itself. Pure.
v1::BackupOutlook OutlookOfToday(const v1::RetentionPlan& plan, const v1::Backup& backup,
                                 const std::optional<v1::Policy>& policy);

// Of one that is DELETING or DELETED.
v1::BackupOutlook OutlookOfDeleted(const v1::Backup& backup);

}  // namespace backup::server
