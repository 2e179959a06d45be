// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "agent/pipeline/database_facts.h"
#include "agent/pipeline/dump_scanner.h"
#include "backup/v1/policy.pb.h"

namespace backup::agent {

// What a dump must hold to be worth keeping.

// INCOMPLETE naming tables that the snapshot has and the dump has not. Pure.
absl::Status CheckAllTablesDumped(const std::vector<ExpectedTable>& expected, const DumpFacts& facts);

// INCOMPLETE when the dump is smaller than minBytes, or lacks a key table or has no row of it. A partitioned table has
// the rows of its partitions. Pure.
absl::Status CheckVerifySpec(const v1::VerifySpec& spec, const std::vector<ExpectedTable>& expected,
                             const DumpFacts& facts);

// DISK_FULL when the file system of `root` has next to nothing left: a dump of `estimated_plain_bytes` would fill it
// for certain. What comes later is found out by writing.
absl::Status CheckFreeSpace(const std::string& root, int64_t estimated_plain_bytes);

}  // namespace backup::agent
