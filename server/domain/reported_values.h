// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "backup/v1/run.pb.h"

#include <google/protobuf/timestamp.pb.h>

namespace backup::server {

// What agents report, put right before it is stored: whatever they say, the catalog holds no absurd value.

// Whether it can be the id of an attempt: [0-9a-z]{1,63}.
bool IsValidAttemptId(absl::string_view id);

// The time, or `now` when it is unset, no valid Timestamp, more than a day ahead or more than a year back.
google::protobuf::Timestamp SaneTime(bool is_set, const google::protobuf::Timestamp& time, absl::Time now);

// Whether the Timestamp lies within years 1 to 9999 with valid nanos.
bool IsValidTimestamp(const google::protobuf::Timestamp& time);

// No negative or unheard-of counts, no unknown phase.
v1::Progress SaneProgress(const v1::Progress& progress, absl::Time now);

// Texts cleaned and bounded: message and hint 4096 bytes, 40 lines of 500 bytes. An unknown or unset cause is INTERNAL.
v1::Failure CleanFailure(const v1::Failure& failure);

}  // namespace backup::server
