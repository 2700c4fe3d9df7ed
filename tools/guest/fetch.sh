#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Brings Debian 12's arm64 kernel, its modules and busybox into .cache/guest, and packs an initrd
# from them. Nothing is downloaded twice. Leaves:
#   .cache/guest/vmlinuz      the kernel as Debian ships it (an arm64 Image)
#   .cache/guest/initrd.gz    busybox, the modules for virtio and ext4, guest/init, devices.sh
#   .cache/guest/kernel.txt   the kernel's release
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
cache=${ARMVM_CACHE:-$top/.cache}
guest=$cache/guest
apt=$cache/apt-arm64
# shellcheck source=tools/guest/apt-private.sh
. "$top/tools/guest/apt-private.sh"
# shellcheck source=tools/guest/modules.sh
. "$top/tools/guest/modules.sh"

mkdir -p "$guest"
if [ ! -f "$guest/kernel.txt" ] || [ ! -f "$guest/vmlinuz" ] || [ ! -x "$guest/tree/bin/busybox" ]; then
    apt_private_init "$apt" arm64
    mapfile -t options < <(apt_private_options "$apt")
    image=$(apt-cache "${options[@]}" depends linux-image-arm64 | sed -n 's/.*Depends: \(linux-image-[^ ]*\).*/\1/p' | head -n 1)
    [ -n "$image" ] || { echo "fetch: Debian's lists name no kernel for arm64" >&2; exit 1; }
    apt_private_fetch "$apt" "$image" busybox-static
    echo "    unpacking $image" >&2
    rm -rf "$guest/tree"
    apt_private_unpack "$apt" "$guest/tree" "$image" busybox-static
    release=${image#linux-image-}
    cp "$guest/tree/boot/vmlinuz-$release" "$guest/vmlinuz"
    echo "$release" >"$guest/kernel.txt"
fi

release=$(cat "$guest/kernel.txt")
if [ ! -f "$guest/initrd.gz" ] || [ "$top/guest/init" -nt "$guest/initrd.gz" ] ||
    [ "$top/guest/devices.sh" -nt "$guest/initrd.gz" ] || [ "$0" -nt "$guest/initrd.gz" ]; then
    echo "    packing the initrd" >&2
    root=$(mktemp -d)
    trap 'rm -rf "$root"' EXIT
    mkdir -p "$root"/{bin,sbin,proc,sys,dev,tmp,mnt,etc,lib/modules}
    cp "$guest/tree/bin/busybox" "$root/bin/busybox"
    cp "$top/guest/init" "$root/init"
    cp "$top/guest/devices.sh" "$root/devices.sh"
    cp "$top/guest/udhcpc.script" "$root/etc/udhcpc.script"
    chmod 755 "$root/init" "$root/etc/udhcpc.script"
    guest_modules "$guest/tree/lib/modules/$release/kernel" "$root/lib/modules"
    (cd "$root" && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0) | gzip -9n >"$guest/initrd.new"
    mv "$guest/initrd.new" "$guest/initrd.gz"
fi
