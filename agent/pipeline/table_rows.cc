// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/table_rows.h"

#include "absl/strings/str_cat.h"
#include "agent/pipeline/dump_facts.h"
#include "agent/pipeline/job_failure.h"

namespace backup::agent {

TableRows::TableRows(ByteSink* next) : next_(next) { rows_.Begin(); }

absl::Status TableRows::Write(absl::string_view bytes) {
  absl::string_view counted = bytes;
  rows_.Take(&counted);
  return next_ == nullptr ? absl::OkStatus() : next_->Write(bytes);
}

absl::Status TableRows::Finish() { return absl::OkStatus(); }

absl::Status TableRows::Compare(const v1::TableFacts& expected) const {
  v1::TableFacts found;
  rows_.Report(&found);
  if (found.row_count() == expected.row_count() && found.content_hash() == expected.content_hash()) {
    return absl::OkStatus();
  }
  return JobError(v1::CORRUPT, absl::StrCat("table ", TableLabel(expected), " has ", found.row_count(),
                                            " rows with content hash ", found.content_hash(), ", not ",
                                            expected.row_count(), " with ", expected.content_hash()));
}

}  // namespace backup::agent
