#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The tests under a sanitizer: tools/check-sanitizer.sh asan|ubsan|tsan
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
case $1 in
asan) sanitize=address ;;
ubsan) sanitize=undefined ;;
tsan) sanitize=thread ;;
*) echo "usage: $0 asan|ubsan|tsan" >&2; exit 2 ;;
esac
build=$top/build-$1
[ -f "$build/build.ninja" ] ||
    meson setup "$build" "$top" -Db_sanitize="$sanitize" -Db_lundef=false -Doptimization=1 >/dev/null
ninja -C "$build" >/dev/null
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1
meson test -C "$build" --print-errorlogs --timeout-multiplier 6
# A boot of a real guest: everything runs together there.
"$top/tests/guest/boots.sh" --sanitizer "$build/armvm"
