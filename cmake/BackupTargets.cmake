# SPDX-License-Identifier: Apache-2.0
# How targets are declared here: one library for each folder, files listed by hand.

add_library(backup_flags INTERFACE)
target_include_directories(backup_flags INTERFACE "${PROJECT_SOURCE_DIR}")
target_compile_definitions(backup_flags INTERFACE BACKUPCTL_VERSION="${PROJECT_VERSION}")
target_compile_options(backup_flags INTERFACE -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC 12 sees overlapping and overlong copies in moves and assignments of std::string that are none (GCC bugs 105651,
  # 105329, 105762).
  target_compile_options(backup_flags INTERFACE -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow)
endif()
if(BACKUP_WERROR)
  target_compile_options(backup_flags INTERFACE -Werror)
endif()
if(BACKUP_SANITIZE)
  # Without vptr: that check opens a pipe, and so reports an error where a test has used up the file descriptors.
  add_compile_options(-fsanitize=${BACKUP_SANITIZE} -fno-sanitize=vptr -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${BACKUP_SANITIZE})
  if(BACKUP_SANITIZE STREQUAL "thread")
    # With this macro protobuf's headers give map fields a member that the packaged library does not know: reflection
    # over a map then reads beside it and crashes.
    add_compile_options(-U__SANITIZE_THREAD__)
  endif()
endif()

# RPC in each of these: the sources include gRPC.

# backup_use_unity(TARGET): with several sources in one translation unit, headers are parsed and templates made once for
# all of them. Off in the debug preset and in the checks, where each source stands for itself.
option(BACKUP_UNITY "Compile several sources of a target as one" ON)
function(backup_use_unity target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${BACKUP_UNITY} UNITY_BUILD_BATCH_SIZE 8)
endfunction()

# backup_library(NAME [RPC] SRCS a.cc a.h ... [PUBLIC dep ...] [PRIVATE dep ...])
function(backup_library name)
  cmake_parse_arguments(ARG "RPC" "" "SRCS;PUBLIC;PRIVATE" ${ARGN})
  add_library(${name} STATIC ${ARG_SRCS})
  target_link_libraries(${name} PUBLIC backup_flags ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
  backup_use_unity(${name})
  if(ARG_RPC)
    backup_use_pch(${name} rpc)
  else()
    backup_use_pch(${name} messages)
  endif()
endfunction()

# backup_program(NAME SRCS main.cc [DEPS dep ...])
function(backup_program name)
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SRCS})
  target_link_libraries(${name} PRIVATE backup_flags ${ARG_DEPS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
  install(TARGETS ${name} RUNTIME DESTINATION bin)
endfunction()

# backup_test(NAME [RPC] SRCS a_test.cc ... [DEPS dep ...] [LABELS label ...] [TIMEOUT seconds] [WHOLE])
# One executable for a folder's unit tests, or for one system story. ctest runs each case in a process of its own; with
# WHOLE all cases in one process, for suites that share a costly fixture such as a PostgreSQL server.
function(backup_test name)
  cmake_parse_arguments(ARG "RPC;WHOLE" "TIMEOUT" "SRCS;DEPS;LABELS" ${ARGN})
  add_executable(${name} ${ARG_SRCS})
  target_link_libraries(${name} PRIVATE backup_flags ${ARG_DEPS} GTest::gmock GTest::gtest_main)
  backup_use_unity(${name})
  if(ARG_RPC)
    backup_use_pch(${name} rpc_test)
  else()
    backup_use_pch(${name} messages_test)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  set(environment "BACKUPCTL_BIN_DIR=${PROJECT_BINARY_DIR}/bin;BACKUPCTL_SOURCE_DIR=${PROJECT_SOURCE_DIR}")
  if(ARG_RPC)
    string(APPEND environment ";LSAN_OPTIONS=print_suppressions=0:suppressions=${PROJECT_SOURCE_DIR}/cmake/leak-sanitizer-rpc.supp")
  endif()
  if(ARG_WHOLE)
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}" ENVIRONMENT "${environment}")
  else()
    include(GoogleTest)
    gtest_discover_tests(${name}
      DISCOVERY_MODE PRE_TEST
      DISCOVERY_TIMEOUT 60
      TEST_PREFIX "${name}."
      TEST_LIST ${name}_cases
      PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}")
    # Not as one of the properties above: of a list, they keep the first element only.
    set(properties "${CMAKE_CURRENT_BINARY_DIR}/${name}_environment.cmake")
    file(WRITE "${properties}"
      "foreach(case IN LISTS ${name}_cases)\n"
      "  set_tests_properties(\"\${case}\" PROPERTIES ENVIRONMENT [==[${environment}]==])\n"
      "endforeach()\n")
    set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES "${properties}")
  endif()
endfunction()
