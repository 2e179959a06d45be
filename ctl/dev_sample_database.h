// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/strings/string_view.h"

namespace backup::ctl {

// A small database to try things on, as SQL that psql reads: a school with students, quests and what they did, with
// keys, an index, a view, a sequence, a function with a trigger, and text that a careless dump would spoil. The same
// data at every load. About 21,000 rows, 2 MB.
absl::string_view SampleDatabaseSql();

// How it is called.
inline constexpr char kSampleDatabaseName[] = "school";

}  // namespace backup::ctl
