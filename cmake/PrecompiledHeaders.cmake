# SPDX-License-Identifier: Apache-2.0
# Parsing Abseil, Protobuf, gRPC and GoogleTest is more than half of the time to compile this project. Four precompiled
# headers take that away: with and without gRPC, with and without GoogleTest. Off in the debug preset and in the checks,
# so that a header that lacks an include is found.
option(BACKUP_PCH "Precompile the headers of the libraries below" ON)

set(backup_pch_messages
  <algorithm> <cstdint> <functional> <map> <memory> <optional> <string> <utility> <vector>
  <absl/status/status.h> <absl/status/statusor.h> <absl/strings/str_cat.h> <absl/strings/str_join.h>
  <absl/strings/str_split.h> <absl/strings/string_view.h> <absl/time/time.h> <absl/types/span.h>
  <backup/v1/agent_control_service.pb.h> <backup/v1/agent_service.pb.h> <backup/v1/backup_service.pb.h>
  <backup/v1/error.pb.h> <backup/v1/fleet_service.pb.h> <backup/v1/policy_service.pb.h> <backup/v1/run_service.pb.h>)
set(backup_pch_rpc
  <grpcpp/grpcpp.h>
  <backup/v1/agent_control_service.grpc.pb.h> <backup/v1/agent_service.grpc.pb.h>
  <backup/v1/backup_service.grpc.pb.h> <backup/v1/fleet_service.grpc.pb.h>
  <backup/v1/policy_service.grpc.pb.h> <backup/v1/run_service.grpc.pb.h>)
set(backup_pch_test <gmock/gmock.h> <gtest/gtest.h>)

# backup_declare_pch(NAME LIBRARIES lib ... HEADERS header ...)
function(backup_declare_pch name)
  cmake_parse_arguments(ARG "" "" "LIBRARIES;HEADERS" ${ARGN})
  add_library(${name} STATIC "${PROJECT_SOURCE_DIR}/cmake/precompiled.cc")
  target_link_libraries(${name} PRIVATE backup_flags ${ARG_LIBRARIES})
  target_precompile_headers(${name} PRIVATE ${ARG_HEADERS})
endfunction()

# Called once, after proto/ is known.
function(backup_declare_all_pch)
  if(NOT BACKUP_PCH)
    return()
  endif()
  set(messages backup_proto absl::status absl::statusor absl::strings absl::time absl::span Threads::Threads)
  backup_declare_pch(backup_pch_messages LIBRARIES ${messages} HEADERS ${backup_pch_messages})
  backup_declare_pch(backup_pch_messages_test LIBRARIES ${messages} GTest::gmock
    HEADERS ${backup_pch_test} ${backup_pch_messages})
  if(BACKUP_WITH_GRPC)
    backup_declare_pch(backup_pch_rpc LIBRARIES backup_grpc ${messages}
      HEADERS ${backup_pch_messages} ${backup_pch_rpc})
    backup_declare_pch(backup_pch_rpc_test LIBRARIES backup_grpc ${messages} GTest::gmock
      HEADERS ${backup_pch_test} ${backup_pch_messages} ${backup_pch_rpc})
  endif()
endfunction()

# backup_use_pch(TARGET KIND): KIND is messages, messages_test, rpc or rpc_test.
function(backup_use_pch target kind)
  if(BACKUP_PCH)
    target_precompile_headers(${target} REUSE_FROM backup_pch_${kind})
  endif()
endfunction()
