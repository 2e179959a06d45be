// SPDX-License-Identifier: Apache-2.0
#include "ctl/list_limit.h"

#include "absl/strings/str_cat.h"

namespace backup::ctl {
namespace {

constexpr size_t kTableLimit = 50;

}  // namespace

void ListLimit::AddFlag(CLI::App& leaf) {
  leaf.add_option("--limit", limit_,
                  "at most this many, the newest first; 0 for all (default: 50 in tables, otherwise all)")
      ->type_name("N");
}

size_t ListLimit::Of(Session& session) const {
  return limit_.value_or(session.output().for_people() ? kTableLimit : 0);
}

void ListLimit::TellMore(Session& session, bool more, absl::string_view which) const {
  if (more) session.Say(absl::StrCat("these are the ", which, " ", Of(session), "; --limit N or --limit 0 shows more"));
}

}  // namespace backup::ctl
