// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <google/protobuf/timestamp.pb.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

namespace backup::server {

// The values of a statement's $1, $2, ... in order. They travel beside the statement, never as part of its text.
// The text must hold no NUL (see CheckStorable).
class SqlParams {
 public:
  SqlParams& Text(absl::string_view value);
  SqlParams& Int(int64_t value);
  SqlParams& Bool(bool value);
  // Whole microseconds, rounded down; the infinities as PostgreSQL's.
  SqlParams& Time(absl::Time value);
  SqlParams& Time(const google::protobuf::Timestamp& value);
  SqlParams& Null();
  // A text[]: for `= ANY($n)` and unnest().
  SqlParams& TextArray(absl::Span<const std::string> values);

  // Null pointers stand for NULL. Valid while this lives and gets no more.
  std::vector<const char*> values() const;

  // How a time is written in SQL.
  static std::string TimeText(absl::Time value);

 private:
  SqlParams& Add(std::string value);

  std::vector<std::optional<std::string>> texts_;
};

}  // namespace backup::server
