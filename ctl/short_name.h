// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace backup::ctl {

// Resource names as people read and type them.

// What is left of a name for tables: "policies/nightly" gives "nightly", "agents/db1/databases/my%20shop" gives
// "db1/my shop". A name of another form stays as it is. Not cleaned.
std::string ShortName(absl::string_view name);

// `collection`/`word`, or `word` itself when it begins with the collection already: ("runs", "x") and ("runs",
// "runs/x") both give "runs/x".
std::string FullName(absl::string_view collection, absl::string_view word);

// `word` as one word of a shell: quoted where it needs to be. For commands that are shown to be typed.
std::string ShellWord(absl::string_view word);

}  // namespace backup::ctl
