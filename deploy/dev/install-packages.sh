#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs Debian 12 packages, as root or through sudo. Does nothing, quickly, when all are there.
#
#   deploy/dev/install-packages.sh [build] [run] [test] [check]
#
# Never creates or starts a PostgreSQL cluster: only the programs are wanted.
set -euo pipefail

# To compile and link.
build_packages=(
  g++ cmake ninja-build pkg-config
  libgrpc++-dev libprotobuf-dev protobuf-compiler protobuf-compiler-grpc libabsl-dev
  libpq-dev libpqxx-dev libssl-dev zlib1g-dev libisal-dev libdeflate-dev libzstd-dev libxxhash-dev
  libcli11-dev libyaml-cpp-dev nlohmann-json3-dev libgtest-dev libgmock-dev
)
# To run the programs, and the PostgreSQL programs that they start.
run_packages=(
  postgresql-15 postgresql-client-15 tzdata util-linux
  libgrpc++1.51 libprotobuf32 libabsl20220623 libpq5 libpqxx-6.4 libssl3 zlib1g libisal2 libdeflate0 libzstd1 libxxhash0
  libyaml-cpp0.7
)
# What tests call.
test_packages=(gzip zstd procps openssl strace libfaketime)
# What deploy/dev/check.sh calls, what makes a second build fast, and what measures.
check_packages=(clang-14 clang-format-14 clang-tidy-14 shellcheck perl-base git ccache libbenchmark-dev)

usage() {
  sed -n '3,7s/^# \{0,1\}//p' "$0" >&2
  exit 2
}

# Prints those of its arguments that are not installed.
missing_of() {
  local package
  declare -A installed=()
  while read -r package; do
    installed["${package%%:*}"]=1
  done < <(dpkg-query --show --showformat '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
    sed -n 's/^installed //p')
  for package in "$@"; do
    [[ -n "${installed[$package]:-}" ]] || printf '%s\n' "$package"
  done
}

(($# > 0)) || usage
wanted=()
for set_name in "$@"; do
  case "$set_name" in
    build) wanted+=("${build_packages[@]}") ;;
    run) wanted+=("${run_packages[@]}") ;;
    test) wanted+=("${test_packages[@]}") ;;
    check) wanted+=("${check_packages[@]}") ;;
    *) usage ;;
  esac
done

if ! command -v dpkg-query >/dev/null; then
  echo "error: this is not a Debian system: dpkg-query is missing; install by hand what this script names" >&2
  exit 1
fi
mapfile -t missing < <(missing_of "${wanted[@]}")
((${#missing[@]} > 0)) || exit 0

root=()
if ((EUID != 0)); then
  if ! command -v sudo >/dev/null; then
    echo "error: these packages are missing, and neither root nor sudo is at hand: ${missing[*]}" >&2
    echo "       as root: apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  root=(sudo)
fi

# The package of the server makes a cluster named main and starts it, unless this file says otherwise meanwhile.
dropin=/etc/postgresql-common/createcluster.d/backupctl-install.conf
if printf '%s\n' "${missing[@]}" | grep -qx 'postgresql-15'; then
  "${root[@]}" mkdir -p "${dropin%/*}"
  echo 'create_main_cluster = false' | "${root[@]}" tee "$dropin" >/dev/null
  trap '"${root[@]}" rm -f "$dropin"; "${root[@]}" rmdir --ignore-fail-on-non-empty "${dropin%/*}"' EXIT
fi

echo "installing ${#missing[@]} packages: ${missing[*]}" >&2
apt=("${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0)
"${apt[@]}" update >&2
"${apt[@]}" install --no-install-recommends "${missing[@]}" >&2 </dev/null

mapfile -t missing < <(missing_of "${wanted[@]}")
if ((${#missing[@]} > 0)); then
  echo "error: apt-get ended without these packages: ${missing[*]}" >&2
  exit 1
fi
