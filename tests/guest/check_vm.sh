#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# `armvm check vm`: armvm's own machines meet every must. Two configurations that between them have
# every GIC, bus and console; with "all" each one, those with ACPI, U-Boot and QEMU as well.
#   check_vm.sh ARMVM [REPORT] [all]     REPORT receives TAP lines as well
set -uo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
armvm=$1
report=${2:-/dev/null}
what=${3:-quick}
qemu=${ARMVM_CACHE:-$top/.cache}/qemu/qemu-system-aarch64
uboot=/usr/lib/u-boot/qemu_arm64/u-boot.bin
aavmf=/usr/share/AAVMF
failures=0
number=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
: >"$report"

say() {
    number=$((number + 1))
    echo "$1 $number - $2" | tee -a "$report"
}

if ! "$armvm" run --firmware auto --net none --dry-run >/dev/null 2>&1; then
    say ok "machines meet the specification # SKIP no UEFI firmware (package qemu-efi-aarch64)"
    exit 0
fi

# expect NAME FAILING OPTIONS...: the requirements in FAILING fail, and no other.
expect() {
    local name=$1 failing=$2 status=0 found
    shift 2
    timeout 3000 "$armvm" check vm --format json --log "$work/log" "$@" >"$work/json" || status=$?
    found=$(python3 -c 'import json, sys
results = json.load(open(sys.argv[1]))["results"]
print(" ".join(sorted({r["id"] for r in results if r["outcome"] == "FAIL"})))' "$work/json")
    if [ "$found" = "$failing" ] && [ $status = $((${#failing} > 0)) ]; then
        say ok "$name"
        return
    fi
    failures=$((failures + 1))
    echo "--- $name: status $status, failing: '$found', expected: '$failing'"
    python3 -c 'import json, sys
for r in json.load(open(sys.argv[1]))["results"]:
    for f in r["findings"] if r["outcome"] == "FAIL" else []:
        print(r["id"], r["title"], "-", f["text"])' "$work/json"
    tail -n 5 "$work/log"
    say "not ok" "$name"
}

if [ "$what" = quick ]; then
    expect "machines meet v1.0: GICv3 with PCI and PL011, GICv2 with MMIO and virtio console" "" \
        --quick --profile v1.0
else
    expect "every configuration meets rfc-v2" "" --profile rfc-v2
    expect "every configuration meets v1.0" "" --profile v1.0
    expect "with ACPI only the device tree is missing" "H2" --tables acpi
    expect "v2.0 wants both descriptions" "H4" --profile v2.0 --gic 3 --virtio-bus pci --console pl011
    if [ -e $uboot ]; then
        expect "U-Boot keeps its variables on the image" "F6 I7" --firmware $uboot --quick
    fi
    if [ -x "$qemu" ]; then
        machine="$qemu -cpu cortex-a57 -smp 2 -m 512 -nographic -nic none"
        flash="-drive if=pflash,format=raw,readonly=on,file=$aavmf/AAVMF_CODE.fd"
        flash="$flash -drive if=pflash,format=raw,file={vars}"
        disks="-drive if=virtio,format=raw,file={image} -drive if=virtio,format=raw,file={scratch}"
        expect "QEMU with EDK2 shows ACPI and no device tree" "H2 H4" --profile v2.0 \
            --vars $aavmf/AAVMF_VARS.fd --command "$machine -M virt $flash $disks"
        expect "QEMU with EDK2 and without ACPI meets v1.0" "" --profile v1.0 \
            --vars $aavmf/AAVMF_VARS.fd --command "$machine -M virt,gic-version=3,acpi=off $flash $disks"
        # What is described wrongly is found: a device that is not there, two interrupts, a CPU.
        if command -v dtc >/dev/null; then
            $machine -M virt,gic-version=3,acpi=off,dumpdtb="$work/true.dtb" >/dev/null 2>&1
            dtc -q -O dts "$work/true.dtb" | sed -e 's/reg = <0x00 0x9030000 /reg = <0x00 0x9050000 /' \
                -e '/cpu@1 {/,/};/s/reg = <0x01>/reg = <0x05>/' \
                -e '/pl011@/,/};/s/interrupts = <0x00 0x01 /interrupts = <0x00 0x09 /' \
                -e '/virtio_mmio@a003e00/,/};/s/<0x00 0x2f /<0x00 0x2c /' | dtc -q -O dtb -o "$work/false.dtb"
            expect "a device tree that lies is found out" "H2 H4 P1 P3 P7" --profile v2.0 \
                --vars $aavmf/AAVMF_VARS.fd --command "$machine -M virt,gic-version=3,acpi=off \
                    -dtb $work/false.dtb $flash -drive if=none,id=d,format=raw,file={image} \
                    -device virtio-blk-device,drive=d"
        fi
        if [ -e $uboot ]; then
            expect "QEMU with U-Boot keeps variables on the image" "F6 I7" \
                --command "$machine -M virt -bios $uboot $disks"
        fi
    fi
fi
echo "$number checks of machines, $failures failed"
[ $failures = 0 ]
