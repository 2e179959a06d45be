// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <cstddef>
#include <optional>

#include "absl/strings/string_view.h"
#include "ctl/session.h"

namespace backup::ctl {

// How many of a long list are asked for: --limit N; without it the newest 50 in tables and everything for programs.
class ListLimit {
 public:
  void AddFlag(CLI::App& leaf);
  // 0 for all.
  size_t Of(Session& session) const;
  // Says on stderr that there are more, when there are. `which` is what was listed.
  void TellMore(Session& session, bool more, absl::string_view which = "newest") const;

 private:
  std::optional<size_t> limit_;
};

}  // namespace backup::ctl
