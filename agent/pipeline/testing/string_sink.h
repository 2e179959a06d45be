// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "agent/pipeline/stages.h"

namespace backup::agent::testing {

// The last stage of a test: keeps what it gets.
class StringSink : public ByteSink {
 public:
  absl::Status Write(absl::string_view bytes) override {
    text.append(bytes.data(), bytes.size());
    return absl::OkStatus();
  }
  absl::Status Finish() override { return absl::OkStatus(); }

  std::string text;
};

}  // namespace backup::agent::testing
