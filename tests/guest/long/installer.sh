#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Debian's installer, started as from its own medium: EDK2, GRUB on a GPT disk, Linux, and the
# installer's first screen on the serial console.
#   installer.sh ARMVM       QEMU=yes does the same once more under QEMU, for the time it takes
set -uo pipefail
top=$(cd "$(dirname "$0")/../../.." && pwd)
armvm=$1
cache=${ARMVM_CACHE:-$top/.cache}
apt=$cache/apt-arm64
tree=$cache/installer
export PATH=$PATH:/sbin:/usr/sbin
# shellcheck source=tools/guest/apt-private.sh
. "$top/tools/guest/apt-private.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for tool in mcopy:mtools mkfs.vfat:dosfstools sfdisk:fdisk; do
    if ! command -v "${tool%:*}" >/dev/null; then
        echo "installer: no ${tool%:*} (package ${tool#*:})"
        exit 1
    fi
done
if ! "$armvm" run --firmware auto --net none --dry-run >/dev/null 2>&1; then
    echo "installer: no UEFI firmware is installed (package qemu-efi-aarch64)"
    exit 1
fi
packages=(debian-installer-12-netboot-arm64 grub-efi-arm64-bin)
if [ ! -f "$tree/complete" ]; then
    apt_private_init "$apt" arm64 && apt_private_fetch "$apt" "${packages[@]}" || exit 1
    rm -rf "$tree"
    apt_private_unpack "$apt" "$tree" "${packages[@]}" && touch "$tree/complete" || exit 1
fi
files=$tree/usr/lib/debian-installer/images/12/arm64/text/debian-installer/arm64

# GRUB looks for its configuration in EFI/debian of the disk that it was started from.
mkdir -p "$work"/esp/EFI/{BOOT,debian}
cp "$tree/usr/lib/grub/arm64-efi/monolithic/grubaa64.efi" "$work/esp/EFI/BOOT/BOOTAA64.EFI" &&
    cp "$files/linux" "$files/initrd.gz" "$work/esp/" || exit 1
cat >"$work/esp/EFI/debian/grub.cfg" <<'EOF'
set timeout=0
menuentry "Install" {
    echo "GRUB starts the installer"
    linux /linux console=ttyAMA0 ---
    initrd /initrd.gz
}
EOF
disk=$work/disk.img
truncate -s 126M "$work/esp.img" && mkfs.vfat -F 32 "$work/esp.img" >/dev/null &&
    mcopy -s -i "$work/esp.img" "$work"/esp/* ::/ && truncate -s 128M "$disk" &&
    printf 'label: gpt\nstart=2048, size=%d, type=uefi\n' $((126 << 11)) | sfdisk -q "$disk" &&
    dd if="$work/esp.img" of="$disk" bs=1M seek=1 conv=notrunc,sparse status=none || exit 1

screen='Choose language|Select a language'
now() { date +%s%N; }
seconds() { # SINCE
    local ms=$((($(now) - $1) / 1000000))
    echo "$((ms / 1000)).$(printf %03d $((ms % 1000))) s"
}

failed=0
for gic in 3 2; do
    began=$(now)
    if "$armvm" run "$disk" --gic $gic --cpus 2 --memory 1G --net none --ephemeral --timeout 400 \
        --expect "$screen" >"$work/log" 2>&1 </dev/null &&
        grep -a -q 'GRUB starts the installer' "$work/log"; then
        echo "ok - Debian's installer, GICv$gic: first screen after $(seconds "$began")"
    else
        echo "not ok - Debian's installer, GICv$gic"
        tail -n 20 "$work/log"
        failed=$((failed + 1))
    fi
done
if [ "${QEMU:-no}" = yes ]; then
    "$top/tools/guest/fetch-qemu.sh" || exit 1
    began=$(now)
    timeout -s KILL 600 "$cache/qemu/qemu-system-aarch64" -M virt,gic-version=3 \
        -cpu max,pauth-impdef=on -smp 2 -m 1G -display none -serial "file:$work/qemu.log" -nic none \
        -bios /usr/share/qemu-efi-aarch64/QEMU_EFI.fd -snapshot \
        -drive "if=none,id=d,format=raw,file=$disk" -device virtio-blk-pci,drive=d \
        </dev/null >"$work/qemu.err" 2>&1 &
    child=$!
    until grep -a -q -E "$screen" "$work/qemu.log" 2>/dev/null || ! kill -0 $child 2>/dev/null; do
        sleep 0.1
    done
    echo "under QEMU: first screen after $(seconds "$began")"
    kill -9 $child 2>/dev/null
    wait $child 2>/dev/null
fi
exit $((failed > 0))
