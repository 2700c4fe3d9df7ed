#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# make check: the tests that Meson knows, the checks of the built objects, then guest boots.
#   tools/check.sh BUILD
set -uo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
build=${1:-$top/build}
passed=0
failed=0

count() { # NAME STATUS
    if [ "$2" = 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $1"
    fi
}

python3 "$top/tools/check_globals.py" "$build"
count "globals" $?

log=$(mktemp)
trap 'rm -f "$log"' EXIT
meson test -C "$build" --print-errorlogs 2>&1 | tee "$log"
status=${PIPESTATUS[0]}
ok=$(sed -n 's/^Ok: *\([0-9]*\).*/\1/p' "$log" | tail -n 1)
passed=$((passed + ${ok:-0}))
if [ "$status" != 0 ]; then
    not=$(sed -nE 's/^(Fail|Timeout|Unexpected Pass): *([0-9]+).*/\2/p' "$log" |
        awk '{ n += $1 } END { print n + 0 }')
    failed=$((failed + ${not:-1}))
    [ "${not:-0}" != 0 ] || failed=$((failed + 1))
fi

# The suite's line of counts: of its runs, the one with most operand sets.
grep -h '^a64.tsv: ' "$build/meson-logs/testlog.txt" | sort -t ';' -k 2 -n | tail -n 1

for script in boots arch gdb uefi acpi check_vm check_guest; do
    "$top/tests/guest/$script.sh" "$build/armvm" "$log.$script" || :
    [ $script = boots ] || cat "$log.$script" >>"$log.boots"
done
passed=$((passed + $(grep '^ok' "$log.boots" 2>/dev/null | grep -vc '# SKIP')))
failed=$((failed + $(grep -c '^not ok' "$log.boots" 2>/dev/null)))
if ! grep -q '^ok\|^not ok' "$log.boots" 2>/dev/null; then
    failed=$((failed + 1))
    echo "FAILED: no guest boot was run"
fi
rm -f "$log".*

"$top/tools/cross-arm64.sh" >"$log" 2>&1
status=$?
[ $status = 0 ] || tail -n 20 "$log"
count "arm64 build, interpreter under qemu-user" $status

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
