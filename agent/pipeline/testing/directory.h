// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace backup::agent::testing {

// Names in a directory, sorted; empty when it cannot be read.
std::vector<std::string> NamesIn(const std::string& path);

// How many descriptors this process has open.
int OpenDescriptorCount();

}  // namespace backup::agent::testing
