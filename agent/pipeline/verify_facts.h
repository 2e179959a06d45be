// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "agent/pipeline/dump_scanner.h"
#include "agent/pipeline/stages.h"
#include "backup/v1/manifest.pb.h"

namespace backup::agent {

// Holds what a dump was found to say against its manifest: tables with rows, bytes, content hashes and offsets;
// sequences; the schema's fingerprint. CORRUPT naming the first difference, with its offset in the plain text. Pure.
absl::Status CompareDumpFacts(const v1::Manifest& manifest, const DumpFacts& found);

// The same for the roles of a dump of globals.
absl::Status CompareGlobalsFacts(const v1::Manifest& manifest, const DumpFacts& found);

}  // namespace backup::agent
