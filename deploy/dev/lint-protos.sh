#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Holds the contract against its house rules, those of the AIPs (https://google.aip.dev) that protoc does not check.
#
#   deploy/dev/lint-protos.sh [FILE...]      default: every file under proto/
#   deploy/dev/lint-protos.sh --self-test    proves that each rule fails on a file that breaks it
#
# Rules: licence line, proto3, package = folder; a comment on every service, method, message (but XRequest, XResponse,
# which their method explains), field, enum and value; zero values end in _UNSPECIFIED (AIP-126); timestamps are
# `x_time` and only they (AIP-142); spans are Duration, never `_ms` or `_seconds`; `size_bytes`, never a bare size
# (AIP-141); `x_count`, never `num_x`; lists have pages from the first day (AIP-158); requests are named by their method
# (AIP-131 to 136).
set -euo pipefail

usage() {
  sed -n '3,6s/^# \{0,1\}//p' "$0" >&2
  exit 2
}

lint() {
  awk '
    function report(why) { printf "%s:%d: %s\n", FILENAME, FNR, why; bad = 1 }
    function need_comment(what) { if (!commented) report(what " has no comment") }
    function end_of_file() {
      if (file == "") return
      if (!has_syntax) { printf "%s:1: no `syntax = \"proto3\";`\n", file; bad = 1 }
      if (!has_package) { printf "%s:1: no `package`\n", file; bad = 1 }
    }
    FNR == 1 {
      end_of_file()
      file = FILENAME; has_syntax = has_package = depth = 0; commented = 0; kind[0] = "file"
      if ($0 != "// SPDX-License-Identifier: Apache-2.0") report("the first line is not the licence line")
    }
    /^[ \t]*\/\// { if (FNR > 1) commented = 1; next }
    /^[ \t]*$/ { commented = 0; next }
    { line = $0; sub(/[ \t]*\/\/.*/, "", line); sub(/^[ \t]+/, "", line) }
    line ~ /^syntax/ { has_syntax = line ~ /"proto3"/; commented = 0; next }
    line ~ /^package/ {
      has_package = 1
      package = line; sub(/^package[ \t]+/, "", package); sub(/[ \t]*;.*/, "", package); gsub(/\./, "/", package)
      folder = FILENAME; sub(/\/[^\/]*$/, "", folder)
      if (folder !~ "(^|/)" package "$") report("package and folder differ")
      commented = 0; next
    }
    line ~ /^(import|option|reserved|extensions)/ { commented = 0; next }
    line ~ /^service / { need_comment("service " $2); kind[++depth] = "service"; commented = 0; next }
    line ~ /^message / {
      name = $2; sub(/\{.*/, "", name)
      if (name !~ /(Request|Response)$/) need_comment("message " name)
      if (name !~ /^[A-Z][A-Za-z0-9]*$/) report("message " name " is not CamelCase")
      commented = 0
      if (line ~ /\}$/) next
      kind[++depth] = "message"; message[depth] = name; page_size[depth] = page_token[depth] = repeated[depth] = 0
      next
    }
    line ~ /^oneof / { need_comment("oneof " $2); kind[++depth] = "message"; message[depth] = message[depth - 1]; commented = 0; next }
    line ~ /^enum / { need_comment("enum " $2); kind[++depth] = "enum"; values = 0; commented = 0; next }
    line ~ /^rpc / {
      need_comment("method")
      method = line; sub(/^rpc[ \t]+/, "", method); sub(/[ \t]*\(.*/, "", method)
      request = line; sub(/^[^(]*\([ \t]*(stream[ \t]+)?/, "", request); sub(/[ \t]*\).*/, "", request)
      if (request != method "Request") report("request of " method " is " request ", not " method "Request")
      commented = 0
      if (line ~ /\{$/) kind[++depth] = "method"
      next
    }
    line ~ /^\}/ {
      if (depth > 0 && kind[depth] == "message" && message[depth] ~ /^List.*Request$/ && !page_size[depth])
        report(message[depth] " has no page_size")
      if (depth > 0 && kind[depth] == "message" && message[depth] ~ /^List.*Request$/ && !page_token[depth])
        report(message[depth] " has no page_token (nor offset)")
      if (depth > 0) depth--
      commented = 0; next
    }
    kind[depth] == "enum" && line ~ /=/ {
      value = line; sub(/[ \t]*=.*/, "", value)
      number = line; sub(/^[^=]*=[ \t]*/, "", number); sub(/[^0-9-].*/, "", number)
      need_comment("value " value)
      if (value !~ /^[A-Z][A-Z0-9_]*$/) report("value " value " is not UPPER_SNAKE")
      if (values++ == 0 && (number != "0" || value !~ /_UNSPECIFIED$/)) report("the first value is not X_UNSPECIFIED = 0")
      commented = 0; next
    }
    kind[depth] == "message" && line ~ /=/ {
      declaration = line; sub(/[ \t]*=.*/, "", declaration)
      field = declaration; sub(/.*[ \t>]/, "", field)
      type = substr(declaration, 1, length(declaration) - length(field)); gsub(/[ \t]+$/, "", type)
      need_comment("field " field)
      if (field !~ /^[a-z][a-z0-9_]*$/) report("field " field " is not lower_snake")
      if (type ~ /Timestamp$/ && field !~ /(^|_)time$/) report("timestamp " field " does not end in _time")
      if (type !~ /Timestamp$/ && field ~ /_time$/) report(field " ends in _time and is no Timestamp")
      if (field ~ /_(ms|millis|us|sec|secs|seconds|minutes|hours|days)$/) report(field ": use google.protobuf.Duration")
      if (field == "size" || (field ~ /_size$/ && field != "page_size")) report(field ": name the unit, x_bytes or x_count")
      if (field ~ /^num_/) report(field ": use x_count")
      if (field == "page_size") page_size[depth] = 1
      if (field == "page_token" || field == "offset") page_token[depth] = 1
      commented = 0; next
    }
    { commented = 0 }
    END { end_of_file(); exit bad }
  ' "$@"
}

# expect NAME TEXT: the file with TEXT after its head is refused (or accepted, when NAME begins with "ok").
expect() {
  local name=$1 text=$2 passed=1
  {
    printf '// SPDX-License-Identifier: Apache-2.0\nsyntax = "proto3";\n\npackage a.v1;\n\n'
    printf '%b\n' "$text"
  } >"$scratch/a/v1/x.proto"
  lint "$scratch/a/v1/x.proto" >"$scratch/out" || passed=0
  if [[ "$name" == ok* && $passed == 0 ]]; then
    echo "self-test: $name: should pass, and says: $(cat "$scratch/out")" >&2
    failures=$((failures + 1))
  elif [[ "$name" != ok* && $passed == 1 ]]; then
    echo "self-test: $name: should fail, and passes" >&2
    failures=$((failures + 1))
  fi
}

self_test() {
  failures=0
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  mkdir -p "$scratch/a/v1"
  expect 'ok: a good file' '// A.\nmessage A {\n  // B.\n  int64 size_bytes = 1;\n  // T.\n  google.protobuf.Timestamp end_time = 2;\n}\n\nmessage GetARequest {\n  // N.\n  string name = 1;\n}'
  expect 'ok: a good enum' '// E.\nenum E {\n  // U.\n  E_UNSPECIFIED = 0;\n  // F.\n  F = 1;\n}'
  expect 'message without comment' 'message A {\n  // B.\n  string b = 1;\n}'
  expect 'field without comment' '// A.\nmessage A {\n  string b = 1;\n}'
  expect 'second field without comment' '// A.\nmessage A {\n  // B.\n  string b = 1;\n  string c = 2;\n}'
  expect 'enum value without comment' '// E.\nenum E {\n  // U.\n  E_UNSPECIFIED = 0;\n  F = 1;\n}'
  expect 'success as the zero value' '// E.\nenum E {\n  // F.\n  OK = 0;\n}'
  expect 'timestamp without _time' '// A.\nmessage A {\n  // B.\n  google.protobuf.Timestamp ended = 1;\n}'
  expect '_time that is none' '// A.\nmessage A {\n  // B.\n  int64 end_time = 1;\n}'
  expect 'span in milliseconds' '// A.\nmessage A {\n  // B.\n  int64 wait_ms = 1;\n}'
  expect 'bare size' '// A.\nmessage A {\n  // B.\n  int64 size = 1;\n}'
  expect 'num_' '// A.\nmessage A {\n  // B.\n  int32 num_rows = 1;\n}'
  expect 'method without comment' '// S.\nservice S {\n  rpc Get(GetRequest) returns (A);\n}'
  expect 'request of another name' '// S.\nservice S {\n  // G.\n  rpc Get(FetchRequest) returns (A);\n}'
  expect 'list without pages' 'message ListARequest {\n  // P.\n  string parent = 1;\n}'
  expect 'field in camelCase' '// A.\nmessage A {\n  // B.\n  string bC = 1;\n}'
  ((failures == 0)) || exit 1
  echo "lint-protos: self-test passed"
}

case "${1:-}" in
  --self-test) self_test ;;
  -*) usage ;;
  *)
    if (($# == 0)); then
      cd "$(dirname "${BASH_SOURCE[0]}")/../.."
      mapfile -t files < <(find proto -name '*.proto' | sort)
      set -- "${files[@]}"
    fi
    lint "$@" >&2
    ;;
esac
