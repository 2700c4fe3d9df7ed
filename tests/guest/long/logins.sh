#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The Debian image from power-on to login in all eight combinations of interrupt controller (with its
# way of taking PCI's messages), bus and hardware description; and with U-Boot as firmware.
#   logins.sh ARMVM
set -uo pipefail
top=$(cd "$(dirname "$0")/../../.." && pwd)
armvm=$1
cache=${ARMVM_CACHE:-$top/.cache}
image=$cache/image/debian.img
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trouble='WARNING:|BUG:|Oops|soft lockup|rcu.*stall|Kernel panic|Call trace:|hung task'
number=0
failed=0

login() { # NAME OPTIONS...
    local name=$1 status=0 start=$SECONDS
    shift
    "$armvm" run "$image" --ephemeral --timeout 300 --expect 'login: $' "$@" >"$work/log" 2>&1 </dev/null || status=$?
    number=$((number + 1))
    if [ $status = 0 ] && ! grep -aE "$trouble" "$work/log"; then
        echo "ok $number - login, $name, $((SECONDS - start)) s"
    else
        echo "not ok $number - login, $name, status $status"
        tail -n 10 "$work/log"
        failed=$((failed + 1))
    fi
}

"$top/tools/guest/image.sh" "$armvm" || exit 1
for gic in 2 3; do
    for bus in pci mmio; do
        for description in "" --acpi; do
            login "GICv$gic, $bus, ${description:-device tree}" --gic $gic --virtio-bus $bus $description
        done
    done
done
login "U-Boot" --firmware /usr/lib/u-boot/qemu_arm64/u-boot.bin
exit $((failed > 0))
