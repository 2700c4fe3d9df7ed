#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The tests and a boot of a real guest under a sanitizer: tools/check-sanitizer.sh asan|ubsan|tsan
# [BUILD-DIRECTORY]. A few minutes each.
#
# Sanitizers see C code, not translated code. A thread sanitizer therefore misses what orders
# accesses in translated code (x86's own rules do); where C code relies on that, it says so with
# an acquire of its own (engine/jit/host_code.c). The guest's own races are its own affair: the
# slow paths access its memory by relaxed atomics or, for what C has no atomics for, by instructions
# of the host (engine/jit/bytes.c), and nothing needs to be suppressed. Tests of single instructions
# have one thread; under tsan they are left out.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
suites=()
case ${1:-} in
asan) sanitize=address ;;
ubsan) sanitize=undefined ;;
tsan)
    sanitize=thread
    suites=(--no-suite insn)
    ;;
*)
    echo "usage: $0 asan|ubsan|tsan [BUILD-DIRECTORY]" >&2
    exit 2
    ;;
esac
build=${2:-$top/build-$1}
# Not werror: what gcc warns of depends on what it inlines, and a sanitizer changes that.
[ -f "$build/build.ninja" ] ||
    meson setup "$build" "$top" -Db_sanitize="$sanitize" -Db_lundef=false -Doptimization=1 \
        -Dwerror=false >/dev/null
ninja -C "$build" >"$build/ninja.log" 2>&1 || {
    tail -n 20 "$build/ninja.log" >&2
    exit 1
}
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1
meson test -C "$build" --no-rebuild --print-errorlogs --timeout-multiplier 6 "${suites[@]}"
# A boot of a real guest: everything runs together there.
"$top/tests/guest/boots.sh" --sanitizer "$build/armvm"
echo "$1: clean"
