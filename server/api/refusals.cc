// SPDX-License-Identifier: Apache-2.0
#include "server/api/refusals.h"

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/log.h"
#include "base/text.h"
#include "server/domain/run_state.h"

namespace backup::server {
namespace {

constexpr absl::Duration kPeriod = absl::Minutes(1);
constexpr size_t kMaxSubjectBytes = 300;

}  // namespace

absl::Status Refusals::Refuse(const Peer& peer, absl::string_view what, absl::string_view subject) {
  const std::string who = peer.ToString();
  const std::string about = CleanText(subject, kMaxSubjectBytes);
  const std::string act = absl::StrCat(what, " ", about);
  if (MayRecord(who)) {
    LogWarning("agent refused", {{"agent", who}, {"what", act}});
    const v1::Event event = MakeEvent(clock_.Now(), who, about, "AGENT_REFUSED",
                                      absl::StrCat(who, " tried to ", act, ", which is not its own"));
    if (const absl::Status status = store_.AppendEvents({&event, 1}); !status.ok()) {
      LogWarning("refusal not recorded", {{"agent", who}, {"status", status}});
    }
  }
  return NotAllowed(who, act);
}

bool Refusals::MayRecord(const std::string& agent) {
  const absl::Duration now = clock_.Monotonic();
  MutexLock lock(mu_);
  const auto [entry, is_new] = recorded_.emplace(agent, now);
  if (!is_new && now - entry->second < kPeriod) {
    return false;
  }
  entry->second = now;
  return true;
}

}  // namespace backup::server
