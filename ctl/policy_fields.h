// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace backup::ctl {

// One key of a policy file.
struct PolicyField {
  const char* path;           // "spec.databases[].agent"; [] stands for each item of a list.
  const char* type;           // "duration", "list of text", ...; "map" and "list of maps" have fields below them.
  const char* default_value;  // "" when there is none.
  const char* text;           // Sentences.
  const char* example;        // As it stands in a file, after "key: "; "" for maps.
};

// Every key that ParsePolicyFile knows, maps before their fields, in the order of the documentation.
const std::vector<PolicyField>& PolicyFields();

// The field at `path`, written with or without "policy." before and "[]" or "[0]" within; null when there is none.
const PolicyField* FindPolicyField(absl::string_view path);

// Those one level below `path`; "" for the top.
std::vector<const PolicyField*> PolicyFieldsBelow(absl::string_view path);

}  // namespace backup::ctl
