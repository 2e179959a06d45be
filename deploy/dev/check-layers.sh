#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Fails on an include that goes up the arrows of docs/architecture.md, on a folder without an idea, and on long files.
#
#   deploy/dev/check-layers.sh [ROOT]        checks the tree (default: this repository)
#   deploy/dev/check-layers.sh --self-test   proves that each rule fails on a file that breaks it
set -euo pipefail

# Room            May include (itself always)                                          May use
layers='
base              -                                                                    -
base/rpc          base                                                                 grpc
server/domain     base                                                                 -
server/store      base,server/domain                                                   pqxx
server/loops      base,server/domain,server/store                                      -
server/pki        base                                                                 -
server/api        base,base/rpc,server/domain,server/store,server/loops,server/pki     grpc
server            base,base/rpc,server/domain,server/store,server/loops,server/pki,server/api  grpc
agent/pipeline    base                                                                 -
agent             base,agent/pipeline                                                  -
agent/rpc         base,base/rpc,agent,agent/pipeline                                   grpc
ctl               base,base/rpc                                                        grpc
tests             *                                                                    grpc,pqxx
tests/testing     *                                                                    -
tests/system      *                                                                    grpc,pqxx
tests/golden      *                                                                    grpc
tests/bench       *                                                                    -
'
# ROOM/testing, in any room, holds what only tests use: it may include what ROOM may, and ROOM.
# Composition roots reach down past their neighbours: file, one more room that it may include.
exceptions='
agent/main.cc               agent/rpc
agent/command_line.cc       agent/rpc
'
# Files that only the room itself and the composition root may include, whatever the table allows: all of server/store
# but its interface.
private_headers='
server/store                server/store/store.h
'
max_lines=500

usage() {
  sed -n '3,6s/^# \{0,1\}//p' "$0" >&2
  exit 2
}

# check_includes FILE...: prints a line for each include that breaks a rule.
check_includes() {
  (($# > 0)) || return 0
  awk -v layers="$layers" -v exceptions="$exceptions" -v private_headers="$private_headers" '
    BEGIN {
      n = split(layers, row, "\n")
      for (i = 1; i <= n; i++) {
        if (split(row[i], cell, " ") < 3) continue
        room_known[cell[1]] = 1
        m = split(cell[2], to, ",")
        for (j = 1; j <= m; j++) allowed[cell[1], to[j]] = 1
        m = split(cell[3], to, ",")
        for (j = 1; j <= m; j++) uses[cell[1], to[j]] = 1
      }
      n = split(exceptions, row, "\n")
      for (i = 1; i <= n; i++) if (split(row[i], cell, " ") == 2) extra[cell[1], cell[2]] = 1
      n = split(private_headers, row, "\n")
      for (i = 1; i <= n; i++) if (split(row[i], cell, " ") == 2) interface[cell[1]] = cell[2]
    }
    function room_of(path) { return path ~ /\// ? substr(path, 1, length(path) - length(base_name(path)) - 1) : "" }
    function base_name(path) { sub(/.*\//, "", path); return path }
    function report(why) { printf "%s:%d: %s\n", FILENAME, FNR, why }
    FNR == 1 {
      room = room_of(FILENAME)
      is_test = FILENAME ~ /_i?test(_[a-z]+)?\.(cc|h)$/ || room ~ /^tests(\/|$)/ || room ~ /\/testing$/
      if (!(room in room_known)) sub(/\/testing$/, "", room)
      if (!(room in room_known)) report("folder \"" room "\" is not in the table of deploy/dev/check-layers.sh")
    }
    /^[ \t]*#[ \t]*include[ \t]*[<"]/ {
      header = $0
      sub(/^[ \t]*#[ \t]*include[ \t]*[<"]/, "", header)
      sub(/[>"].*/, "", header)
      if (header ~ /^grpc(pp)?\// || header ~ /\.grpc\.pb\.h$/) {
        if (!((room, "grpc") in uses)) report("\"" room "\" links without gRPC, and includes " header)
        next
      }
      if (header ~ /^pqxx(\/|$)/) {
        if (!((room, "pqxx") in uses)) report("only server/store knows libpqxx; included: " header)
        next
      }
      if (header !~ /^(base|server|agent|ctl|tests)\//) next
      target = room_of(header)
      if (target ~ /^tests(\/|$)/ || target ~ /\/testing$/) {
        if (!is_test) report("only tests include " header)
        next
      }
      if (target == room) next
      if (!((room, target) in allowed) && !((room, "*") in allowed) && !((FILENAME, target) in extra)) {
        report("\"" room "\" may not include \"" target "\": " header)
        next
      }
      if ((target in interface) && header != interface[target] && room != "server" && !is_test)
        report("\"" room "\" knows \"" target "\" only by " interface[target] "; included: " header)
    }' "$@"
}

# check_tree: checks the tree in the working directory; prints what is wrong.
check_tree() {
  local -a sources=() code=()
  local file
  mapfile -t sources < <(find base server agent ctl tests -type f \( -name '*.cc' -o -name '*.h' \) 2>/dev/null | sort)
  check_includes "${sources[@]}"
  find . -path ./build -prune -o -path ./.git -prune -o \
    -type d \( -name utils -o -name util -o -name common -o -name helpers -o -name misc \) -print |
    sed 's|^\./\(.*\)|\1: a folder needs the name of an idea|'
  mapfile -t code < <(find base server agent ctl tests proto deploy cmake -type f \
    \( -name '*.cc' -o -name '*.h' -o -name '*.proto' -o -name '*.sh' -o -name '*.cmake' \) 2>/dev/null | sort)
  for file in "${code[@]}"; do
    awk -v max="$max_lines" 'END { if (NR > max) printf "%s:%d: more than %d lines: split it by idea\n", FILENAME, NR, max }' \
      "$file"
  done
}

# expect NAME FILE TEXT: a tree that holds FILE with TEXT is refused (or accepted, when NAME begins with "ok").
expect() {
  local name=$1 file=$2 text=$3 found
  rm -rf "$scratch/tree"
  mkdir -p "$scratch/tree/$(dirname "$file")"
  printf '%b\n' "$text" >"$scratch/tree/$file"
  found=$(cd "$scratch/tree" && check_tree)
  if [[ "$name" == ok* && -n "$found" ]]; then
    echo "self-test: $name: should pass, and says: $found" >&2
    failures=$((failures + 1))
  elif [[ "$name" != ok* && -z "$found" ]]; then
    echo "self-test: $name: should fail, and passes" >&2
    failures=$((failures + 1))
  fi
}

self_test() {
  failures=0
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  expect 'ok: down the arrows' server/api/a.cc '#include "server/store/store.h"\n#include "base/clock.h"\n#include <grpcpp/grpcpp.h>'
  expect 'ok: messages are for everyone' base/a.h '#include "backup/v1/run.pb.h"'
  expect 'ok: tests see fakes' server/loops/a_test.cc '#include "tests/testing/fake_store.h"'
  expect 'ok: the composition root of the agent' agent/main.cc '#include "agent/rpc/link.h"'
  expect 'ok: fakes of a room know the room' agent/pipeline/testing/a.h '#include "agent/pipeline/job.h"\n#include "base/clock.h"'
  expect 'ok: a fixture of tests' server/api/api_test_server.h '#include "tests/testing/fake_store.h"'
  expect 'fakes of a room do not go up' agent/pipeline/testing/a.h '#include "agent/config.h"'
  expect 'fakes of a room stay in tests' agent/pipeline/a.cc '#include "agent/pipeline/testing/sink.h"'
  expect 'base knows nobody' base/a.cc '#include "server/domain/cron.h"'
  expect 'base without gRPC' base/a.cc '#include <grpcpp/grpcpp.h>'
  expect 'generated stubs are gRPC' agent/a.cc '#include "backup/v1/run_service.grpc.pb.h"'
  expect 'tests of a room without gRPC neither' agent/a_test.cc '#include <grpcpp/grpcpp.h>'
  expect 'domain below store' server/domain/a.h '#include "server/store/store.h"'
  expect 'store below api' server/store/a.cc '#include "server/api/authorizer.h"'
  expect 'loops know the interface only' server/loops/a.cc '#include "server/store/postgres_store.h"'
  expect 'libpqxx in the store only' server/api/a.cc '#include <pqxx/pqxx>'
  expect 'programs do not know each other' ctl/a.cc '#include "agent/config.h"'
  expect 'pipeline below the agent' agent/pipeline/a.cc '#include "agent/config.h"'
  expect 'agent core without its gRPC room' agent/run_loop.cc '#include "agent/rpc/link.h"'
  expect 'fakes stay in tests' server/a.cc '#include "tests/testing/fake_clock.h"'
  expect 'spacing does not hide it' base/a.cc '  #  include   "ctl/output.h"'
  expect 'a room nobody declared' server/stuff/a.cc 'int a;'
  expect 'a folder without an idea' base/utils/a.txt 'x'
  expect 'a long file' base/a.cc "$(printf 'x\\n%.0s' $(seq $((max_lines + 1))))"
  ((failures == 0)) || exit 1
  echo "check-layers: self-test passed"
}

case "${1:-}" in
  --self-test) self_test ;;
  -*) usage ;;
  *)
    cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}"
    problems=$(check_tree)
    if [[ -n "$problems" ]]; then
      printf '%s\n' "$problems" >&2
      exit 1
    fi
    ;;
esac
