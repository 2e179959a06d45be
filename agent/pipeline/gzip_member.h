// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "agent/pipeline/member_coder.h"

namespace backup::agent {

// What ISA-L writes, and so what each member begins with (RFC 1952, section 2.3): deflate, no flags, no time, no extra
// flags, system unknown.
inline constexpr char kGzipHeader[] = {'\x1f', '\x8b', '\x08', 0, 0, 0, 0, 0, 0, '\xff'};

// Levels 1 to 3.
std::unique_ptr<MemberEncoder> MakeIsalEncoder(int level);
// Levels 4 to 12.
std::unique_ptr<MemberEncoder> MakeLibdeflateEncoder(int level);
std::unique_ptr<MemberDecoder> MakeLibdeflateDecoder();

}  // namespace backup::agent
