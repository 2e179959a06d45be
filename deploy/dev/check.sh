#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The house rules, the same by hand and in CI. Every step runs; the end says which failed.
#
#   deploy/dev/check.sh            all steps; clang-tidy on files that differ from main (on main: from the last commit)
#   deploy/dev/check.sh --all      clang-tidy on every file
#   deploy/dev/check.sh --no-tidy  all steps but clang-tidy
#   deploy/dev/check.sh --fix      formats first, instead of only saying what is not
#   deploy/dev/check.sh --tidy-minutes N   starts no further clang-tidy after N minutes, and says what it left out
#   deploy/dev/check.sh STEP...    only these: layers protos shell format threads tidy
set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
root=$PWD
check_dir=${BACKUPCTL_CHECK_BUILD_DIR:-$root/build/check}
job_count=$(nproc)
clang_version=14

fix=0
tidy_scope=changed
tidy_minutes=0
steps=()
while (($# > 0)); do
  case "$1" in
    --all) tidy_scope=all ;;
    --no-tidy) tidy_scope=none ;;
    --fix) fix=1 ;;
    --tidy-minutes) tidy_minutes=${2:?--tidy-minutes needs a number}; shift ;;
    layers | protos | shell | format | threads | tidy) steps+=("$1") ;;
    *) sed -n '3,11s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
  esac
  shift
done
((${#steps[@]} > 0)) || steps=(layers protos shell format threads tidy)
# A variable of the caller must not point git, cmake or clang elsewhere.
unset GIT_DIR GIT_WORK_TREE CPATH CPLUS_INCLUDE_PATH

cpp_files() {
  find base server agent ctl tests -type f \( -name '*.cc' -o -name '*.h' \) | sort
}

step_layers() { deploy/dev/check-layers.sh --self-test && deploy/dev/check-layers.sh; }

step_protos() { deploy/dev/lint-protos.sh --self-test && deploy/dev/lint-protos.sh; }

step_shell() {
  local -a scripts
  mapfile -t scripts < <(find .ci deploy tests -type f | sort | while read -r file; do
    if [[ "$file" == *.sh ]] || head -c 64 "$file" | head -n 1 | grep -qaE '^#!.*\b(ba|da)?sh\b'; then
      printf '%s\n' "$file"
    fi
  done)
  shellcheck --external-sources "${scripts[@]}"
}

step_format() {
  local -a files
  mapfile -t files < <(cpp_files; find proto -name '*.proto' | sort)
  if ((fix)); then
    "clang-format-$clang_version" -i "${files[@]}"
  else
    "clang-format-$clang_version" --dry-run --Werror "${files[@]}"
  fi
}

# Makes the compile commands, and the generated headers that they need. Several sources are one translation unit, so
# that the headers are parsed once for all of them. GCC's precompiled headers mean nothing to clang.
prepare_build() {
  cmake -S . --preset release -B "$check_dir" -DBACKUP_PCH=OFF -DBACKUP_UNITY=ON >/dev/null &&
    cmake --build "$check_dir" --target backup_generated >/dev/null
}

# Prints "FILE<tab>COMMAND" for each translation unit of ours, FILE relative to the sources or to the build.
compile_commands() {
  perl -ne '
    sub text { my $t = shift; $t =~ s/\\(.)/$1/g; return $t }
    if (/^\s*"command": "(.*)",?$/) { $command = text($1) }
    if (/^\s*"file": "(.*)",?$/) {
      my $file = text($1);
      next unless $file =~ s{^(\Q$ENV{check_dir}\E|\Q$ENV{root}\E)/}{};
      next unless $file =~ m{^(base|server|agent|ctl|tests)/};
      print "$file\t$command\n";
    }' "$check_dir/compile_commands.json"
}

# One translation unit through clang's thread safety analysis; nothing else that clang has to say counts.
check_threads_of() {
  local command=${1#*$'\t'}
  local source=${command##* -c }
  command=${command#*ccache }
  command=${command#* }
  command=${command% -c *}
  command=${command% -o *}
  eval "clang++-$clang_version $command -fsyntax-only -Wno-everything -Wthread-safety -Werror=thread-safety $source"
}

step_threads() {
  prepare_build || return 1
  export clang_version
  export -f check_threads_of
  # Tests have no annotations of their own.
  # shellcheck disable=SC2016  # The inner shell expands it.
  compile_commands | grep -vE '^(tests/|[^[:space:]]*(_test\.dir|/testing)/)' | tr '\n' '\0' |
    xargs -0 -P "$job_count" -I{} bash -c 'check_threads_of "$1"' _ {}
}

# Files that differ from main; on main itself, from the commit before; with what is not committed yet.
changed_files() {
  local base
  base=$(git merge-base HEAD origin/main 2>/dev/null || git merge-base HEAD main 2>/dev/null)
  if [[ -z "$base" || "$base" == "$(git rev-parse HEAD)" ]]; then
    base=$(git rev-parse --verify --quiet HEAD~) || base=$(git hash-object -t tree /dev/null)
  fi
  { git diff --name-only --diff-filter=d "$base"; git ls-files --others --exclude-standard; } | sort -u
}

# The translation units to look at: all, or those that hold a changed source, or one that includes a changed header of
# its own name.
tidy_units() {
  local unit sources changed
  changed=$(changed_files | sed -n 's/\.\(cc\|h\)$//p' | sort -u)
  compile_commands | cut -f 1 | sort -u | while read -r unit; do
    if [[ -f "$check_dir/$unit" ]]; then
      unit=$check_dir/$unit
      sources=$(sed -n "s|^#include \"$root/\(.*\)\.cc\"|\1|p" "$unit")
    else
      sources=${unit%.cc}
    fi
    if [[ "$tidy_scope" == all ]] ||
      [[ -n "$(comm -12 <(printf '%s\n' "$changed") <(sed -n 'p;s/_i\{0,1\}test$//p' <<<"$sources" | sort -u))" ]]; then
      printf '%s\n' "$unit"
    fi
  done
}

tidy_one() {
  if ((tidy_end > 0 && $(date +%s) >= tidy_end)); then
    printf '%s\n' "$1" >>"$tidy_left_out"
    return 0
  fi
  # GCC's own flags are unknown to clang; its warnings were heard by the compiler.
  "clang-tidy-$clang_version" -p "$check_dir" --quiet --extra-arg=-Wno-everything "$1" 2>&1 |
    grep -vE '^[0-9]+ warnings? (generated|treated)|^Suppressed|^Use -header-filter'
  return "${PIPESTATUS[0]}"
}

step_tidy() {
  local failed=0
  if [[ "$tidy_scope" == none ]]; then
    echo "left out, as asked"
    return 0
  fi
  prepare_build || return 1
  tidy_end=0
  ((tidy_minutes == 0)) || tidy_end=$(($(date +%s) + tidy_minutes * 60))
  tidy_left_out=$(mktemp)
  export clang_version tidy_end tidy_left_out
  export -f tidy_one
  # shellcheck disable=SC2016  # The inner shell expands it.
  tidy_units | tr '\n' '\0' | xargs -0 -r -P "$job_count" -I{} bash -c 'tidy_one "$1"' _ {} || failed=1
  if [[ -s "$tidy_left_out" ]]; then
    echo "clang-tidy stopped after $tidy_minutes minutes; $(wc -l <"$tidy_left_out") units were left out"
  fi
  rm -f "$tidy_left_out"
  return "$failed"
}

export root check_dir
failed_steps=()
for step in "${steps[@]}"; do
  started=$(date +%s)
  echo "== check: $step"
  if "step_$step"; then
    verdict=ok
  else
    verdict=FAILED
    failed_steps+=("$step")
  fi
  echo "== check: $step: $verdict ($(($(date +%s) - started)) s)"
done
if ((${#failed_steps[@]} > 0)); then
  echo "error: these checks failed: ${failed_steps[*]}" >&2
  exit 1
fi
