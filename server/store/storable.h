// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/message.h>
#include <google/protobuf/timestamp.pb.h>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "backup/v1/event.pb.h"

namespace backup::server {

// What the catalog can keep at all. Pure functions.

// INVALID_ARGUMENT VALUE_INVALID with metadata "field"; the message is `field` and `why`.
absl::Status ValueInvalid(absl::string_view field, absl::string_view why);

// ValueInvalid when `message` or one inside it has a string that is not valid UTF-8 or holds a NUL, or a Timestamp or
// Duration outside protobuf's range: neither JSON nor PostgreSQL can keep those.
absl::Status CheckStorable(const google::protobuf::Message& message);
absl::Status CheckStorable(absl::Span<const v1::Event> events);
absl::Status CheckStorableText(absl::string_view text, absl::string_view field);

// Cut to whole microseconds, as the catalog keeps the times that it filters and orders by.
google::protobuf::Timestamp RoundedTime(google::protobuf::Timestamp time);

}  // namespace backup::server
