// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/time/time.h"
#include "backup/v1/agent.pb.h"
#include "backup/v1/agent_control_service.pb.h"
#include "backup/v1/backup.pb.h"
#include "backup/v1/policy.pb.h"
#include "backup/v1/run.pb.h"
#include "base/proto_json.h"
#include "base/resource_name.h"
#include "server/domain/policy_rules.h"

// Messages for tests that are right in every respect, to be spoilt in one.
namespace backup::testing {

template <typename T>
T FromText(const std::string& text) {
  T message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

inline absl::Time At(const std::string& rfc3339) {
  absl::Time time;
  std::string error;
  EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, rfc3339, &time, &error)) << rfc3339 << ": " << error;
  return time;
}

// Daily at 22:00 UTC over all databases, with defaults.
inline v1::Policy NightlyPolicy() {
  v1::Policy policy = FromText<v1::Policy>(R"pb(
    name: "policies/nightly"
    labels { key: "tier" value: "gold" }
    spec {
      databases {}
      schedule { cron: "0 22 * * *" }
      retention { keep_daily: 7 }
    })pb");
  server::FillDefaults(*policy.mutable_spec());
  return policy;
}

inline v1::Database DatabaseOf(const std::string& agent_id, const std::string& id) {
  v1::Database database;
  database.set_name(MakeDatabaseName(agent_id, id));
  database.set_display_name(id);
  return database;
}

inline v1::Agent AgentSeenAt(const std::string& id, absl::Time last_seen) {
  v1::Agent agent;
  agent.set_name(MakeAgentName(id));
  *agent.mutable_last_seen_time() = ToProto(last_seen);
  return agent;
}

// A BACKUP of agents/db1/databases/orders under policies/nightly, slot 2026-11-23T22:00:00Z, deadline 6 h later.
inline v1::Run NightlyRun(v1::RunState state) {
  v1::Run run = FromText<v1::Run>(R"pb(
    name: "runs/r1"
    kind: BACKUP
    database: "agents/db1/databases/orders"
    policy: "policies/nightly"
    epoch: 3
    spec {
      dump { jobs: 1 compression: GZIP globals: true }
      overlap: SKIP
    })pb");
  const absl::Time slot = At("2026-11-23T22:00:00Z");
  run.set_state(state);
  *run.mutable_slot_time() = ToProto(slot);
  *run.mutable_not_before_time() = ToProto(slot);
  *run.mutable_start_deadline_time() = ToProto(slot + absl::Hours(6));
  *run.mutable_create_time() = ToProto(slot - absl::Hours(24));
  return run;
}

// Attempt "a1" of NightlyRun, of its epoch.
inline v1::AttemptRef NightlyAttempt() {
  return FromText<v1::AttemptRef>(R"pb(run: "runs/r1" attempt_id: "a1" epoch: 3)pb");
}

// NightlyAttempt's success: 1000 rows in two tables, 100,000 bytes of dump, begun at 22:00 and ended at 22:05.
inline v1::RunResult NightlySuccess() {
  v1::RunResult result = FromText<v1::RunResult>(R"pb(
    state: SUCCEEDED
    path: "/backups/db1/orders/20261123T220000Z-r1"
    manifest {
      format_version: 1
      backup_id: "20261123T220000Z-r1"
      agent: "db1"
      database { name: "orders" oid: 16384 system_identifier: "7" size_bytes: 300000 }
      run: "runs/r1"
      attempt_id: "a1"
      epoch: 3
      policy: "policies/nightly"
      files { name: "dump.sql.gz" codec: GZIP stored_bytes: 20000 plain_bytes: 100000 member_count: 2 }
      files { name: "dump.sql.gz.gzi" codec: NONE stored_bytes: 24 plain_bytes: 24 }
      files { name: "globals.sql.gz" codec: GZIP stored_bytes: 300 plain_bytes: 700 member_count: 1 }
      tables { schema: "public" name: "items" row_count: 990 plain_bytes: 50000 plain_offset: 1000 }
      tables { schema: "public" name: "users" row_count: 10 plain_bytes: 500 plain_offset: 60000 }
    })pb");
  const absl::Time start = At("2026-11-23T22:00:00Z");
  *result.mutable_start_time() = ToProto(start);
  *result.mutable_end_time() = ToProto(start + absl::Minutes(5));
  *result.mutable_verify_time() = ToProto(start + absl::Minutes(4));
  result.set_manifest_sha256(std::string(64, 'a'));
  v1::Manifest& manifest = *result.mutable_manifest();
  *manifest.mutable_snapshot_time() = ToProto(start + absl::Seconds(1));
  *manifest.mutable_slot_time() = ToProto(start);
  for (v1::ArtifactFile& file : *manifest.mutable_files()) {
    file.set_stored_sha256(std::string(64, 'b'));
    file.set_plain_sha256(std::string(64, file.codec() == v1::NONE ? 'b' : 'c'));
  }
  for (v1::TableFacts& table : *manifest.mutable_tables()) {
    table.set_content_hash(std::string(32, 'd'));
  }
  return result;
}

}  // namespace backup::testing
