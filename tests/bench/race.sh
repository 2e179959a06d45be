#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Times the data plane against what people use instead, in turns of one run, and prints medians as ratios: seconds differ
# from machine to machine, ratios hardly do. Peers that are not installed are left out.
#
#   tests/bench/race.sh [SCALE] [TURNS] [BINDIR]     default: 100 (about 1 GB), 5, build/release/bin
#
# The table goes to standard output, the same as JSON into race.json in the current directory.
# shellcheck disable=SC2016  # The backticks are Markdown's.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
scale=${1:-100}
turns=${2:-5}
bin=$(cd "${3:-$here/../../build/release/bin}" && pwd)
pg=$(find /usr/lib/postgresql -maxdepth 2 -name bin | sort -V | tail -n 1)
work=$(mktemp -d /var/tmp/backupctl-race-XXXXXX)
chmod 0755 "$work"
as_server=()
if ((EUID == 0)); then
  chown postgres "$work"
  as_server=(setpriv --reuid=postgres --regid=postgres --clear-groups)
fi
finish() {
  "${as_server[@]}" "$pg/pg_ctl" -D "$work/data" -m immediate stop >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap finish EXIT

export PGHOST=$work PGUSER=postgres
say() { printf '%s\n' "$*" >&2; }

say "making a database of scale $scale in $work"
"${as_server[@]}" "$pg/initdb" -D "$work/data" -U postgres --auth=trust --no-sync -E UTF8 --locale=C.UTF-8 >/dev/null
cat >>"$work/data/postgresql.conf" <<CONF
unix_socket_directories = '$work'
listen_addresses = ''
shared_buffers = 1GB
max_wal_size = 8GB
fsync = off
autovacuum = off
CONF
"${as_server[@]}" "$pg/pg_ctl" -D "$work/data" -l "$work/log" -w start >/dev/null
"$pg/psql" -qX -d postgres -c 'CREATE DATABASE race'
"$pg/psql" -qX -d race -v scale="$scale" -v ON_ERROR_STOP=1 -f "$here/database.sql"
url="postgresql://postgres@/race?host=$work"
server_url="postgresql://postgres@/postgres?host=$work"
"$bin/backup-agent" init-repository "$work/repository" >/dev/null

# seconds NAME COMMAND...: appends what the command took to NAME's file, and its greatest memory (with its children's) in kB.
seconds() {
  local name=$1
  shift
  /usr/bin/time -f '%e %M' -o "$work/time" "$@" >/dev/null 2>"$work/err" || {
    say "$name failed: $(tail -n 3 "$work/err")"
    return 1
  }
  cat "$work/time" >>"$work/$name.times"
}
shell() { seconds "$1" bash -o pipefail -c "$2"; }
fresh() { "$pg/psql" -qX -d postgres -c "DROP DATABASE IF EXISTS restored" -c "CREATE DATABASE restored"; }
newest() { find "$work/repository/local/race" -mindepth 1 -maxdepth 1 | sort | tail -n 1; }

# pgBackRest, with two processes. A backup of the files and not of the SQL: it comes back only as the whole server.
physical=("${as_server[@]}" pgbackrest --stanza=race --pg1-path="$work/data" --pg1-socket-path="$work" --pg1-user=postgres
  --repo1-path="$work/pgbackrest" --log-level-file=off --log-level-console=off --lock-path="$work/pgbackrest/lock"
 )

ours() {
  rm -rf "$work/repository/local"
  seconds "$1" "$bin/backup-agent" dump --url "$url" --repository "$work/repository" "${@:2}"
  stat -c %s "$(newest)"/dump.sql* | head -n 1 >"$work/$1.size"
}

"$pg/pg_dump" race >"$work/plain.sql"
gzip -6 -c "$work/plain.sql" >"$work/plain.sql.gz"
stat -c %s "$work/plain.sql.gz" >"$work/pg_dump-gzip.size"

for turn in $(seq "$turns"); do
  say "turn $turn of $turns"
  shell pg_dump-null "$pg/pg_dump race > /dev/null"
  ours ours-jobs1 --jobs 1
  ours ours-zstd-jobs2 --jobs 2 --compression zstd
  ours ours-jobs2 --jobs 2
  seconds ours-verify "$bin/backup-agent" verify "$(newest)"
  shell gzip-t "gzip -t $work/plain.sql.gz"
  shell pg_dump-gzip "$pg/pg_dump race | gzip > $work/out"
  command -v pigz >/dev/null && shell pg_dump-pigz "$pg/pg_dump race | pigz > $work/out"
  command -v zstd >/dev/null && shell pg_dump-zstd "$pg/pg_dump race | zstd -q > $work/out"
  if command -v restic >/dev/null; then
    rm -rf "$work/restic"
    RESTIC_PASSWORD=race restic -q init --repo "$work/restic"
    shell pg_dump-restic "$pg/pg_dump race | RESTIC_PASSWORD=race restic -q backup --no-cache --stdin --repo $work/restic"
  fi
  if command -v pgbackrest >/dev/null; then
    rm -rf "$work/pgbackrest"
    "${as_server[@]}" mkdir "$work/pgbackrest"
    "${physical[@]}" stanza-create >/dev/null
    seconds pgbackrest "${physical[@]}" --no-archive-check --start-fast --process-max=2 backup
  fi
  shell pg_dump-Fc "$pg/pg_dump -Fc race > $work/out"
  rm -rf "$work/dir"
  shell pg_dump-Fd-j2 "$pg/pg_dump -Fd -j2 -f $work/dir race"
  fresh
  shell gunzip-psql "gunzip -c $work/plain.sql.gz | $pg/psql -qX -d restored"
  fresh
  shell pg_restore-j2 "$pg/pg_restore -j2 -d restored $work/dir"
  "$pg/psql" -qX -d postgres -c "DROP DATABASE restored"
  seconds ours-restore-jobs2 "$bin/backup-agent" restore "$(newest)" --url "$server_url" --create-database restored --jobs 2
  "$pg/psql" -qX -d postgres -c "DROP DATABASE restored"
  seconds ours-restore-few "$bin/backup-agent" restore "$(newest)" --url "$server_url" --create-database restored --table public.few
  seconds ours-drill-jobs2 "$bin/backup-agent" drill "$(newest)" --work-dir "$work" --jobs 2
done

median() { cut -d' ' -f"$2" "$work/$1.times" | sort -n | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }
# row WHAT OURS PEER LIMIT [seconds|size]
row() {
  local ours peer
  [[ -s "$work/$2.times" && -s "$work/$3.times" ]] || return 0
  ours=$(median "$2" 1)
  peer=$(median "$3" 1)
  awk -v what="$1" -v ours="$ours" -v peer="$peer" -v most="$4" \
    'BEGIN {printf "| %s | %.2f s | %.2f s | %.2f | %s |\n", what, ours, peer, ours / peer, most}'
}
size_row() {
  awk -v what="$1" -v ours="$(cat "$work/$2.size")" -v peer="$(cat "$work/pg_dump-gzip.size")" -v most="$3" \
    'BEGIN {printf "| %s | %.1f MB | %.1f MB | %.2f | %s |\n", what, ours / 1e6, peer / 1e6, ours / peer, most}'
}

printf 'Text of the dump: %s bytes. Medians of %s turns, %s processors.\n\n' "$(stat -c %s "$work/plain.sql")" "$turns" "$(nproc)"
printf '| what | ours | peer | ratio | at most |\n|---|---|---|---|---|\n'
row 'dump `--jobs 1` / `pg_dump > /dev/null`' ours-jobs1 pg_dump-null 1.10
row 'dump `--jobs 2` / `pg_dump > /dev/null`' ours-jobs2 pg_dump-null 1.00
row 'dump `--jobs 2`, zstd / `pg_dump > /dev/null`' ours-zstd-jobs2 pg_dump-null ''
row 'dump `--jobs 2` / `pg_dump \| gzip`' ours-jobs2 pg_dump-gzip 0.33
row 'dump `--jobs 2` / `pg_dump \| pigz`' ours-jobs2 pg_dump-pigz ''
row 'dump `--jobs 2` / `pg_dump \| zstd`' ours-jobs2 pg_dump-zstd ''
row 'dump `--jobs 2` / `pg_dump \| restic`' ours-jobs2 pg_dump-restic ''
row 'dump `--jobs 2` / pgBackRest, two processes' ours-jobs2 pgbackrest ''
row 'dump `--jobs 2` / `pg_dump -Fc`' ours-jobs2 pg_dump-Fc ''
row 'dump `--jobs 2` / `pg_dump -Fd -j2`' ours-jobs2 pg_dump-Fd-j2 0.50
size_row 'stored, gzip / `gzip -6`' ours-jobs2 1.05
size_row 'stored, zstd / `gzip -6`' ours-zstd-jobs2 0.95
row '`verify` / `gzip -t`' ours-verify gzip-t 0.20
row 'restore `--jobs 2` / `gunzip \| psql`' ours-restore-jobs2 gunzip-psql 0.75
row 'restore `--jobs 2` / `pg_restore -j2`' ours-restore-jobs2 pg_restore-j2 0.95
row 'restore `--table` of 2 % of the bytes / restore `--jobs 2`' ours-restore-few ours-restore-jobs2 0.05
row 'drill `--jobs 2` / restore `--jobs 2`' ours-drill-jobs2 ours-restore-jobs2 1.6
printf '\nGreatest memory of one process while dumping: %s kB (`--jobs 1`), %s kB (`--jobs 2`); at most 98304.\n' \
  "$(median ours-jobs1 2)" "$(median ours-jobs2 2)"

{
  separator=''
  printf '{"turns": %s, "plainBytes": %s, "medians": {' "$turns" "$(stat -c %s "$work/plain.sql")"
  for file in "$work"/*.times; do
    name=$(basename "$file" .times)
    printf '%s"%s": {"seconds": %s, "kilobytes": %s}' "$separator" "$name" "$(median "$name" 1)" "$(median "$name" 2)"
    separator=', '
  done
  printf '}}\n'
} >race.json
