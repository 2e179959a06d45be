// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace backup::agent {

// A name from a database in any encoding as valid UTF-8, for the manifest: UTF-8 stays as it is, every byte that is not
// part of valid UTF-8 becomes `\xNN`. Control characters stay: JSON escapes them.
std::string NameToUtf8(absl::string_view raw);

}  // namespace backup::agent
