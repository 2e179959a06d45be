// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "backup/v1/manifest.pb.h"

namespace backup::agent {

// The file RESTORE.txt: how to get the data back with PostgreSQL's own programs on a machine that never heard of us.
// Commands stand in lines that begin with four blanks. They name a new database, never the old one, so that no name
// from outside stands in a command and nothing is overwritten.
inline constexpr char kRestoreFile[] = "RESTORE.txt";

// `manifest` must list the dump and the globals.
std::string FormatRestoreText(const v1::Manifest& manifest);

}  // namespace backup::agent
