#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# From a fresh Debian 12 machine to a verified backup: installs packages (as root or through sudo), builds in release mode,
# and runs `backupctl dev up`. A second call is quick and changes nothing.
#
#   deploy/quickstart.sh [ARGUMENT OF backupctl dev up...]
#
# DATABASE_URL            the database to back up; without it, a small sample database in a throwaway server
# BACKUP_DIR              where backups go; without it, below the directory that is shown at the end
# BACKUP_RETENTION_DAYS   how long they are kept; default 30
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '\n== %s\n' "$*" >&2; }

say 'packages'
deploy/dev/install-packages.sh build run

say 'build'
[[ -f build/release/build.ninja ]] || cmake --preset release >&2
cmake --build --preset release --target backup-controller backup-agent backupctl >&2

backupctl=build/release/bin/backupctl
summary=$(mktemp)
trap 'rm -f "$summary"' EXIT

say "$backupctl dev up"
"$backupctl" dev up "$@" >"$summary"

say "$backupctl backup list"
"$backupctl" --context dev backup list

say "$backupctl status"
"$backupctl" --context dev status

say "what stands, until $backupctl dev down"
cat "$summary"
