// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/message.h>
#include <google/protobuf/timestamp.pb.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace backup {

// Protobuf JSON (lowerCamelCase, enums by name, 64-bit integers as strings) in one line, or indented.
std::string ToJson(const google::protobuf::Message& message, bool indent = false);
// Strict: an unknown field is INVALID_ARGUMENT JSON_INVALID.
absl::Status FromJson(absl::string_view json, google::protobuf::Message* message);

// absl time <-> well-known types. An unset Timestamp reads as the epoch: check has_x_time() first.
absl::Time ToAbsl(const google::protobuf::Timestamp& time);
absl::Duration ToAbsl(const google::protobuf::Duration& duration);
google::protobuf::Timestamp ToProto(absl::Time time);
google::protobuf::Duration ToProto(absl::Duration duration);

}  // namespace backup
