// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "backup/v1/retention.pb.h"
#include "ctl/output.h"
#include "ctl/table.h"

namespace backup::ctl {

// Why a backup is kept, when it goes, and what stands against it.
std::vector<Fact> OutlookFacts(const v1::BackupOutlook& outlook, absl::Time now);

// The same with which backup it is about.
std::string OutlookText(const v1::BackupOutlook& outlook, const Output& output, absl::Time now);

}  // namespace backup::ctl
