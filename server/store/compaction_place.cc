// SPDX-License-Identifier: Apache-2.0
#include "server/store/compaction_place.h"

#include <limits>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace backup::server {
namespace {

constexpr char kPrefix[] = "compaction of runs ";

const std::vector<std::pair<v1::RunKind, v1::RunState>>& Streams() {
  static const auto& streams = *new std::vector<std::pair<v1::RunKind, v1::RunState>>([] {
    std::vector<std::pair<v1::RunKind, v1::RunState>> all;
    for (int kind = v1::RunKind_MIN + 1; kind <= v1::RunKind_MAX; ++kind) {
      for (const v1::RunState state : {v1::SUCCEEDED, v1::FAILED, v1::CANCELLED, v1::LOST, v1::MISSED, v1::SKIPPED}) {
        all.emplace_back(static_cast<v1::RunKind>(kind), state);
      }
    }
    return all;
  }());
  return streams;
}

TimePlace Beginning() { return *ParseTimePageToken("", "", /*ascending=*/true); }

std::string ScopeOf(size_t stream) { return absl::StrCat(kPrefix, stream); }

size_t StreamOf(const RunCompactionPlace& place) {
  size_t stream = 0;
  while (Streams()[stream] != std::make_pair(place.kind, place.state)) ++stream;
  return stream;
}

}  // namespace

std::string FormatRunCompactionPlace(const RunCompactionPlace& place) {
  return MakeTimePageToken(ScopeOf(StreamOf(place)), place.after);
}

absl::StatusOr<RunCompactionPlace> ParseRunCompactionPlace(const std::string& text) {
  if (text.empty()) return RunCompactionPlace{Streams()[0].first, Streams()[0].second, Beginning()};
  absl::Status status;
  for (size_t stream = 0; stream < Streams().size(); ++stream) {
    absl::StatusOr<TimePlace> after = ParseTimePageToken(ScopeOf(stream), text);
    if (after.ok()) return RunCompactionPlace{Streams()[stream].first, Streams()[stream].second, *std::move(after)};
    status = after.status();
  }
  return status;
}

std::string NextRunCompactionStream(const RunCompactionPlace& place) {
  const size_t next = StreamOf(place) + 1;
  if (next == Streams().size()) return "";
  return FormatRunCompactionPlace({Streams()[next].first, Streams()[next].second, Beginning()});
}

}  // namespace backup::server
