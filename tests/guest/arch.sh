#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The architecture as a Linux guest's user space sees it: builds tests/guest/arch with the cross
# compiler, puts it into the initrd and runs it on several CPU models.
#   arch.sh ARMVM [REPORT]     REPORT receives TAP lines as well
set -uo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
armvm=$1
report=${2:-/dev/null}
cc=${CROSS_CC:-aarch64-linux-gnu-gcc}
guest=${ARMVM_CACHE:-$top/.cache}/guest
failures=0
number=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export XDG_CACHE_HOME=$work/cache # of the code store

if ! command -v "$cc" >/dev/null; then
    echo "ok 1 - architecture tests # SKIP no $cc (package gcc-aarch64-linux-gnu)" | tee "$report"
    exit 0
fi
"$top/tools/guest/fetch.sh" || exit 1

mkdir -p "$work/tree/t"
"$cc" -std=gnu11 -O1 -static -Wall -Wextra -Wno-unused-parameter -Wno-unused-value \
    -Wno-missing-field-initializers -o "$work/tree/t/arch" "$top"/tests/guest/arch/*.c -lpthread ||
    exit 1
printf '#!/bin/sh\n/t/arch\n' >"$work/tree/t/run.sh"
(cd "$work/tree" && find . | cpio -o -H newc 2>/dev/null | gzip) >"$work/tests.gz"
cat "$guest/initrd.gz" "$work/tests.gz" >"$work/initrd.gz"

try() { # NAME OPTIONS...
    local name=$1 status=0 verdict=ok
    shift
    timeout 300 "$armvm" run --kernel "$guest/vmlinuz" --initrd "$work/initrd.gz" --memory 512M \
        --net none --append "console=ttyAMA0 loglevel=4 armvm.run=/t/run.sh" --timeout 240 "$@" \
        >"$work/log" 2>&1 </dev/null || status=$?
    number=$((number + 1))
    if [ $status != 0 ] || ! grep -q '^arch: .* 0 failures' "$work/log"; then
        verdict="not ok"
        failures=$((failures + 1))
        echo "--- $name: status $status"
        grep -E '^  |^not ok|^arch:' "$work/log" || tail -n 20 "$work/log"
    fi
    echo "$verdict $number - $name" | tee -a "$report"
}

: >"$report"
try "architecture, max, 2 CPUs" --cpus 2
try "architecture, cortex-a53, 1 CPU" --cpu cortex-a53 --cpus 1
try "architecture, cortex-a72, GICv2" --cpu cortex-a72 --gic 2 --cpus 2
try "architecture, neoverse-n1, 4 CPUs" --cpu neoverse-n1 --cpus 4

exit $((failures > 0))
