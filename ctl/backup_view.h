// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "backup/v1/backup.pb.h"
#include "ctl/output.h"
#include "ctl/table.h"

namespace backup::ctl {

// A line for each backup.
Table BackupTable(const std::vector<v1::Backup>& backups, absl::Time now);

// Whether it is deleted, or on its way.
bool IsGoing(const v1::Backup& backup);

// How long, by whom and why a backup is held that is.
std::string HoldText(const v1::Backup& backup, absl::Time now);

// Everything about one backup; of its tables the `table_limit` largest. `future`: what is known of why it stays and
// when it goes.
std::string DescribeBackup(const v1::Backup& backup, const std::vector<Fact>& future, const Output& output,
                           absl::Time now, size_t table_limit);

}  // namespace backup::ctl
