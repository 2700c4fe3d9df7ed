#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Debian's kernel under EDK2, described by ACPI: it must reach user space, find its devices and its
# machine's name, hear the power button (pressed by SIGTERM), come up again after a reset. Without
# --acpi the same firmware must hand over the device tree.
#   acpi.sh ARMVM [REPORT]     REPORT receives TAP lines as well
set -uo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
armvm=$1
report=${2:-/dev/null}
: >"$report"
guest=${ARMVM_CACHE:-$top/.cache}/guest
number=0
failures=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export XDG_CACHE_HOME=$work/cache # of the code store

verdict() { # STATUS NAME
    number=$((number + 1))
    local line="ok $number - $2"
    if [ "$1" != 0 ]; then
        line="not $line"
        failures=$((failures + 1))
        echo "--- the end of the output:"
        tail -n 15 "$work/log"
    fi
    echo "$line"
    echo "$line" >>"$report"
}

"$top/tools/guest/fetch.sh" || exit 1

# The guest's part: scripts and the module that shows input events, behind the common initrd. An
# event is 16 bytes of time, type EV_KEY (1), code KEY_POWER (0x74), value 1.
mkdir "$work/extra"
cp "$(find "$guest/tree/" -name evdev.ko)" "$work/extra/" || exit 1
cat >"$work/extra/button.sh" <<'END'
insmod /evdev.ko
cat /sys/class/dmi/id/sys_vendor /proc/interrupts
ls -d /sys/firmware/acpi/tables/*
echo "waiting for the button"
dd if=/dev/input/event0 bs=24 count=1 2>/dev/null | od -x
END
cat >"$work/extra/reset.sh" <<'END'
reboot -f
END
(cd "$work/extra" && find . | cpio -o -H newc 2>/dev/null) | gzip >"$work/extra.gz"
cat "$guest/initrd.gz" "$work/extra.gz" >"$work/initrd.gz"

start() { # APPEND OPTIONS...: runs it in the background
    local append=$1
    shift
    : >"$work/log"
    "$armvm" run --firmware auto --kernel "$guest/vmlinuz" --initrd "$work/initrd.gz" \
        --append "console=ttyAMA0 $append" --net none --timeout 120 "$@" \
        >"$work/log" 2>&1 </dev/null &
    pid=$!
}

waits_for() { # REGEX [COUNT]: until that many lines match, or the machine has ended
    while kill -0 "$pid" 2>/dev/null; do
        [ "$(grep -acE "$1" "$work/log")" -lt "${2:-1}" ] || return 0
        sleep 0.1
    done
    return 1
}

button() { # NAME OPTIONS...
    local name=$1 status=0 pattern
    shift
    start "acpi=force armvm.run=/button.sh" --acpi "$@"
    waits_for "waiting for the button" && sleep 0.3 && kill -TERM "$pid"
    wait "$pid" || status=$?
    for pattern in '^armvm' 'virtio0' 'ACPI:Ged' 'tables/DSDT' 'tables/APIC' \
        '0001 0074 0001' 'reboot: Power down'; do
        grep -aqE "$pattern" "$work/log" || { echo "no '$pattern'" && status=1; }
    done
    verdict $status "$name"
}

button "ACPI, GICv2, power button" --gic 2 --cpus 2
button "ACPI, GICv3, memory above 4 GiB, power button" --gic 3 --cpus 4 --memory 4G

start "acpi=force armvm.run=/reset.sh" --acpi --cpus 1
waits_for "ACPI: FACP" 2
verdict $? "ACPI after a reset"
kill -KILL "$pid"
wait "$pid" 2>/dev/null

start armvm.quick --cpus 2
wait "$pid"
grep -aq 'armvm-guest: user space is up' "$work/log" && grep -aq 'Machine model' "$work/log" &&
    ! grep -aq 'ACPI: RSDP' "$work/log"
verdict $? "the device tree by default"

exit $((failures > 0))
