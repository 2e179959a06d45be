// SPDX-License-Identifier: Apache-2.0
#include "server/domain/backup_hold.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/proto_json.h"
#include "base/text.h"
#include "base/units.h"
#include "server/domain/run_state.h"

namespace backup::server {
namespace {

constexpr size_t kMaxHoldReasonBytes = 1000;

}  // namespace

absl::StatusOr<v1::BackupHold> MakeHold(const v1::HoldBackupRequest& request, absl::string_view owner, absl::Time now) {
  if (request.reason().empty()) {
    return InvalidField("reason", "it is missing", "say why the backup has to stay");
  }
  if (request.reason().size() > kMaxHoldReasonBytes) {
    return InvalidField("reason", absl::StrCat("it is longer than ", kMaxHoldReasonBytes, " bytes"));
  }
  if (request.has_expire_time() && ToAbsl(request.expire_time()) <= now) {
    return InvalidField("expire_time", "it is not to come", "leave it out for a hold without an end");
  }
  v1::BackupHold hold;
  hold.set_reason(CleanText(request.reason(), kMaxHoldReasonBytes));
  hold.set_owner(std::string(owner));
  *hold.mutable_create_time() = ToProto(now);
  if (request.has_expire_time()) {
    *hold.mutable_expire_time() = request.expire_time();
  }
  return hold;
}

bool IsHeld(const v1::Backup& backup, absl::Time now) {
  return backup.has_hold() && (!backup.hold().has_expire_time() || ToAbsl(backup.hold().expire_time()) > now);
}

v1::Event HeldEvent(absl::string_view backup, const v1::BackupHold& hold, absl::Time now) {
  const std::string until =
      hold.has_expire_time() ? absl::StrCat(" until ", FormatRfc3339(ToAbsl(hold.expire_time()))) : "";
  return MakeEvent(now, hold.owner(), backup, "BACKUP_HELD",
                   absl::StrCat("held by ", hold.owner(), until, ": ", hold.reason()));
}

v1::Event ReleasedEvent(absl::string_view backup, absl::string_view actor, absl::Time now) {
  return MakeEvent(now, actor, backup, "BACKUP_RELEASED", absl::StrCat("released by ", actor));
}

}  // namespace backup::server
