#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds armvm's own small guest (guest/builtin) and boots it; without a terminal it reads what the
# machine is, powers off and checks the output.
#   builtin.sh ARMVM | --build-only
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
armvm=$1 # or --build-only
cache=${ARMVM_CACHE:-$top/.cache}
mkdir -p "$cache"
image=$cache/builtin.img
if [ "$top/guest/builtin/start.S" -nt "$image" ]; then
    command -v aarch64-linux-gnu-as >/dev/null || "$top/tools/deps.sh" build
    cpp -P "$top/guest/builtin/start.S" -o "$cache/builtin.s"
    aarch64-linux-gnu-as -o "$cache/builtin.o" "$cache/builtin.s"
    aarch64-linux-gnu-ld -Ttext=0 -o "$cache/builtin.elf" "$cache/builtin.o"
    aarch64-linux-gnu-objcopy -O binary "$cache/builtin.elf" "$image"
fi
[ "$armvm" != --build-only ] || exit 0
if [ -t 0 ]; then
    exec "$armvm" run --kernel "$image" --memory 128M --net none
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
(sleep 1; printf i; sleep 1; printf o; sleep 5) |
    "$armvm" run --kernel "$image" --memory 128M --net none --timeout 60 >"$log" || status=$?
cat "$log"
grep -q 'powering off' "$log" && exit $status
echo "builtin: the guest did not answer" >&2
exit 1
