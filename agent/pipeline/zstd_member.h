// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "agent/pipeline/member_coder.h"

namespace backup::agent {

// Frames with their text's size and checksum. Levels 1 to 19.
std::unique_ptr<MemberEncoder> MakeZstdEncoder(int level);
std::unique_ptr<MemberDecoder> MakeZstdDecoder();

}  // namespace backup::agent
