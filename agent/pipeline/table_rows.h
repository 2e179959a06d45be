// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "agent/pipeline/copy_rows.h"
#include "agent/pipeline/stages.h"
#include "backup/v1/manifest.pb.h"

namespace backup::agent {

// Counts and hashes the rows of one table, in COPY's text format, as they pass.
class TableRows : public ByteSink {
 public:
  // `next` gets them too, and is borrowed; may be null.
  explicit TableRows(ByteSink* next = nullptr);

  absl::Status Write(absl::string_view bytes) override;
  absl::Status Finish() override;

  // CORRUPT naming the table, unless these were the rows of `expected`.
  absl::Status Compare(const v1::TableFacts& expected) const;

 private:
  ByteSink* const next_;
  CopyRows rows_;
};

}  // namespace backup::agent
