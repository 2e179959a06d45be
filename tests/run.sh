#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what the tests need, builds in release mode, runs every test. Ends with ctest's own summary.
#
#   tests/run.sh [CTEST_ARGUMENT...]     e.g. tests/run.sh -R first_backup
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
deploy/dev/install-packages.sh build run test
if [[ -z "${CMAKE_CXX_COMPILER_LAUNCHER:-}" ]] && command -v ccache >/dev/null; then
  export CMAKE_CXX_COMPILER_LAUNCHER=ccache
fi
cmake --preset release
cmake --build --preset release
exec ctest --preset release -j "$(nproc)" "$@"
