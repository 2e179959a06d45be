// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <google/protobuf/map.h>
#include <google/protobuf/timestamp.pb.h>

#include <string>

#include "absl/time/time.h"
#include "backup/v1/agent.pb.h"
#include "backup/v1/backup.pb.h"
#include "backup/v1/fleet_service.pb.h"
#include "backup/v1/run.pb.h"
#include "ctl/table.h"

namespace backup::ctl {

// Values as tables show them; "" for what is not set.

std::string RelativeText(bool present, const google::protobuf::Timestamp& time, absl::Time now);
// RFC 3339 and how long ago: "2026-11-23T22:00:00Z (3h ago)".
std::string TimeText(bool present, const google::protobuf::Timestamp& time, absl::Time now);
// "1h2m3s"; below 10 s more precise: "4.2s", "850ms".
std::string ElapsedText(absl::Duration duration);
// In groups of three: "1,234,567".
std::string CountText(int64_t count);
// "1 backup", "1,234 backups".
std::string BackupsText(int64_t count);
// "env=prod, tier=gold", by key.
std::string LabelText(const google::protobuf::Map<std::string, std::string>& labels);

// States as words of the API, in their colour.
Cell StateCell(v1::RunState state);
Cell StateCell(v1::BackupState state);
Cell StateCell(v1::AgentState state);
Cell HealthCell(v1::Health health);

}  // namespace backup::ctl
