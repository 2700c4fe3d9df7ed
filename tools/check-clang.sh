#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds with clang and runs the tests.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
build=$top/build-clang
[ -f "$build/build.ninja" ] || CC=clang meson setup "$build" "$top" >/dev/null
ninja -C "$build"
meson test -C "$build" --print-errorlogs
