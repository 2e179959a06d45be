// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "agent/pipeline/member_coder.h"

namespace backup::agent {

// Levels 1 to 3.
std::unique_ptr<MemberEncoder> MakeIsalEncoder(int level);
// Levels 4 to 12.
std::unique_ptr<MemberEncoder> MakeLibdeflateEncoder(int level);
std::unique_ptr<MemberDecoder> MakeLibdeflateDecoder();

}  // namespace backup::agent
