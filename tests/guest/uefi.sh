#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Boots through firmware: a disk by EDK2 and by U-Boot, a kernel handed over by fw_cfg, resets, and
# variables that survive kill -9 at random moments.
#   uefi.sh ARMVM [REPORT]     REPORT receives TAP lines as well
set -uo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
armvm=$1
report=${2:-/dev/null}
guest=${ARMVM_CACHE:-$top/.cache}/guest
uboot=/usr/lib/u-boot/qemu_arm64/u-boot.bin
failures=0
number=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export XDG_CACHE_HOME=$work/cache # of the code store
: >"$report"

say() {
    number=$((number + 1))
    echo "$1 $number - $2" | tee -a "$report"
}

for tool in mformat mcopy sfdisk mkfs.vfat; do
    if ! PATH=$PATH:/sbin:/usr/sbin command -v $tool >/dev/null; then
        say ok "boots through firmware # SKIP no $tool (packages mtools, dosfstools, fdisk)"
        exit 0
    fi
done
if ! "$armvm" run --firmware auto --net none --dry-run >/dev/null 2>&1; then
    say ok "boots through firmware # SKIP no UEFI firmware (package qemu-efi-aarch64)"
    exit 0
fi
"$top/tools/guest/fetch.sh" || exit 1

# image FILE DIRECTORY: a GPT disk with one EFI system partition that holds what is in DIRECTORY.
image() {
    local PATH=$PATH:/sbin:/usr/sbin
    truncate -s 96M "$1.esp" &&
        mkfs.vfat -F 32 "$1.esp" >/dev/null &&
        mcopy -s -i "$1.esp" "$2"/* ::/ &&
        truncate -s 100M "$1" &&
        printf 'label: gpt\nstart=2048, size=%d, type=uefi\n' $((96 << 11)) | sfdisk -q "$1" &&
        dd if="$1.esp" of="$1" bs=1M seek=1 conv=notrunc,sparse status=none &&
        rm "$1.esp"
}

mkdir -p "$work/script" "$work/removable/EFI/BOOT" "$work/tree/t"
cp "$guest/vmlinuz" "$work/script/linux.efi"
cp "$guest/initrd.gz" "$work/script/initrd.gz"
echo 'FS0:\linux.efi initrd=\initrd.gz console=ttyAMA0 armvm.quick' >"$work/script/startup.nsh"
cp "$guest/vmlinuz" "$work/removable/EFI/BOOT/BOOTAA64.EFI"
printf '#!/bin/sh\nreboot -f\n' >"$work/tree/t/run.sh"
chmod +x "$work/tree/t/run.sh"
(cd "$work/tree" && find . | cpio -o -H newc 2>/dev/null | gzip) >"$work/more.gz"
cat "$guest/initrd.gz" "$work/more.gz" >"$work/initrd-reboot.gz"
image "$work/script.img" "$work/script" && image "$work/removable.img" "$work/removable" || exit 1

# try NAME STATUS WORDS OPTIONS...: the run ends with STATUS, and WORDS are in its output.
try() {
    local name=$1 want=$2 words=$3 status=0
    shift 3
    timeout 300 "$armvm" run --net none --timeout 240 "$@" >"$work/log" 2>&1 </dev/null || status=$?
    if [ $status = "$want" ] && grep -qE "$words" "$work/log"; then
        say ok "$name"
    else
        failures=$((failures + 1))
        echo "--- $name: status $status, the end of its output:"
        tail -n 15 "$work/log"
        say "not ok" "$name"
    fi
}

up='armvm-guest: user space is up'
try "EDK2 boots a disk" 0 "$up" "$work/script.img"
try "EDK2 boots it again with its variables, GICv2" 0 "$up" "$work/script.img" --gic 2 --cpus 4
try "EDK2 starts a kernel from fw_cfg" 0 "$up" --firmware auto --kernel "$guest/vmlinuz" \
    --initrd "$guest/initrd.gz" --append "console=ttyAMA0 armvm.quick"
try "a guest that resets comes back through EDK2" 124 ', [1-9][0-9]* resets' \
    --firmware auto --kernel "$guest/vmlinuz" --initrd "$work/initrd-reboot.gz" --stats \
    --append "console=ttyAMA0 armvm.run=/t/run.sh" --timeout 20
if [ "$(grep -c 'EFI stub: Booting' "$work/log")" -ge 2 ]; then
    say ok "and starts its kernel anew"
else
    failures=$((failures + 1))
    say "not ok" "and starts its kernel anew"
fi
try "EDK2 finds the removable-media loader" 0 'expect matched' "$work/removable.img" --ephemeral \
    --expect 'Booting Linux on physical CPU|EFI stub: Exiting boot services'
if [ -e "$work/removable.img.vars" ]; then
    failures=$((failures + 1))
    say "not ok" "--ephemeral leaves no variables file"
else
    say ok "--ephemeral leaves no variables file"
fi
try "the interpreter runs EDK2 to its shell" 0 'expect matched' --firmware auto \
    --engine interpret --expect 'UEFI Interactive Shell'
if [ -e $uboot ]; then
    try "U-Boot boots a disk" 0 'expect matched' "$work/removable.img" --firmware $uboot \
        --expect 'EFI stub: Exiting boot services'
else
    say ok "U-Boot boots a disk # SKIP no $uboot (package u-boot-qemu)"
fi

# While it formats its variables for the first time, and after.
for round in 1 2 3 4 5; do
    rm -f "$work"/killed*
    for _ in 1 2 3; do
        "$armvm" run --firmware auto --vars "$work/killed" --net none >/dev/null 2>&1 </dev/null &
        sleep "0.$((100 + RANDOM % 900))"
        kill -9 $! && wait $! 2>/dev/null
    done
    try "EDK2 starts after kill -9, round $round" 0 'expect matched' --firmware auto \
        --vars "$work/killed" --expect 'UEFI Interactive Shell'
done

echo "$number firmware tests, $failures failed"
[ $failures = 0 ]
