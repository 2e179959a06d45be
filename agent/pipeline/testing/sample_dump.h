// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace backup::agent::testing {

// `body` between the head and the tail that pg_dump 15.14 and later write; without `restrict_key`, as earlier ones.
std::string WrapDump(const std::string& body, const std::string& restrict_key = "Key1");

// A small dump with one of each thing that a scanner must tell apart: 3 tables, 2 sequences, functions and comments
// that look like data, rows that look like the dump's end.
std::string SampleDump();

// A dump of globals with two roles.
std::string SampleGlobals();

}  // namespace backup::agent::testing
