#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Boots of Debian's kernel: each case must reach user space, power off by itself (status 0), and
# leave no warning in the kernel's log.
#   boots.sh [--sanitizer] ARMVM [REPORT]     REPORT receives TAP lines as well
set -uo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
sanitizer=
if [ "${1:-}" = --sanitizer ]; then
    sanitizer=1
    shift
fi
armvm=$1
report=${2:-/dev/null}
: >"$report"
cache=${ARMVM_CACHE:-$top/.cache}
guest=$cache/guest
number=0
failures=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export XDG_CACHE_HOME=$work/cache # of the code store

say() {
    echo "$1"
    echo "$1" >>"$report"
}

verdict() { # STATUS NAME
    number=$((number + 1))
    if [ "$1" = 0 ]; then
        say "ok $number - $2"
    else
        say "not ok $number - $2"
        failures=$((failures + 1))
    fi
}

# With a GICv3 every CPU gets an LPI pending table, and the kernel finds the ITS.
lpis() {
    ! grep -q 'GICv3: CPU0' "$work/log" ||
        { grep -q 'ITS \[mem 0x08080000' "$work/log" &&
            [ "$(grep -c 'GICv3: CPU.*found redistributor' "$work/log")" = \
              "$(grep -c 'GICv3: CPU.*LPI pending table' "$work/log")" ]; }
}

# What no kernel log may contain.
trouble='unsound|WARNING:|BUG:|Oops|soft lockup|rcu.*stall|Kernel panic|Call trace:|hung task'

boot() { # NAME APPEND OPTIONS...
    local name=$1 append=$2 status=0
    shift 2
    timeout 300 "$armvm" run --kernel "$guest/vmlinuz" --initrd "$guest/initrd.gz" \
        --append "console=ttyAMA0 $append" --timeout 240 "$@" >"$work/log" 2>&1 </dev/null || status=$?
    if [ $status != 0 ] || grep -qE "$trouble" "$work/log" ||
        grep -q 'armvm-guest: exit [1-9]' "$work/log" ||
        ! grep -q 'armvm-guest: user space is up' "$work/log" || ! lpis; then
        echo "--- $name: status $status; the end of its output:"
        grep -E "$trouble" "$work/log" | head -n 5
        tail -n 15 "$work/log"
        verdict 1 "$name"
    else
        verdict 0 "$name"
    fi
}

"$top/tools/guest/fetch.sh" || exit 1

if [ -n "$sanitizer" ]; then
    boot "boot under a sanitizer, 2 CPUs" armvm.quick --cpus 2 --memory 512M
    boot "boot under a sanitizer, superblocks wherever possible" armvm.quick --cpus 2 \
        --memory 512M --tier2 20
    exit $((failures > 0))
fi

boot "1 CPU, GICv3" armvm.quick --cpus 1 --memory 256M --gic 3
boot "2 CPUs, GICv2" armvm.quick --cpus 2 --memory 1G --gic 2
boot "4 CPUs, GICv3" armvm.quick --cpus 4 --memory 1G
boot "16 CPUs, GICv3" armvm.quick --cpus 16 --memory 1G
boot "code cache of 4 MiB" armvm.quick --cpus 2 --code-cache 4M
boot "host limited to x86-64-v2" armvm.quick --cpus 2 --host-cpu v2
boot "nothing optimised" armvm.quick --cpus 2 \
    --without forward,simplify,dead,fuse,lazy,share,hint,slots,returns
boot "no links, one instruction at a time" armvm.quick --cpus 2 --without links,regions
boot "superblocks wherever possible" armvm.quick --cpus 2 --tier2 20 --stats
if grep -q '^superblocks:' "$work/log"; then # not where the interpreter is all there is
    [ "$(awk '/^superblocks:/ { print $2 }' "$work/log")" -gt 100 ]
    verdict $? "there are some hundred superblocks"
fi

# Translations kept by one boot serve the next: it says the same and translates next to nothing. What
# is wrong with the file makes no difference to the guest.
translated() { # regions, by all CPUs
    awk '/^cpu[0-9]+: regions/ { sum += $3 } END { print sum + 0 }' "$work/log"
}
store_file() {
    ls "$work"/store/code-*
}
store=(--cpus 2 --stats --code-store "$work/store")
boot "code store, empty" armvm.quick "${store[@]}"
if grep -q '^code store:' "$work/log"; then # not where the interpreter is all there is
    cold=$(translated)
    grep -a 'armvm-guest:' "$work/log" >"$work/said"
    boot "code store, second boot" armvm.quick "${store[@]}"
    [ "$(translated)" -lt $((cold / 20)) ] && grep -a 'armvm-guest:' "$work/log" | cmp - "$work/said"
    verdict $? "the second boot translates less than a twentieth ($(translated) of $cold)"
    # 64 KiB of noise in the middle; then the file's end is missing.
    dd if=/dev/urandom of="$(store_file)" bs=64k seek=40 count=1 conv=notrunc 2>/dev/null
    boot "code store with damaged records" armvm.quick "${store[@]}"
    grep -q '^code store:.*, [1-9][0-9]* damaged' "$work/log"
    verdict $? "damaged records are found"
    truncate -s 1M "$(store_file)"
    boot "code store cut short" armvm.quick "${store[@]}"
    [ "$(translated)" -gt $((cold / 2)) ] && [ "$(stat -c %s "$(store_file)")" -gt 1048576 ]
    verdict $? "a file cut short is not used, and replaced"
fi
boot "no code store" armvm.quick --cpus 2 --code-store off
# A guest that idles gives memory back, once, and then finds everything as it was.
mkdir "$work/idle"
cat >"$work/idle/idle.sh" <<'EOF'
sum=$(md5sum /bin/busybox)
sleep 15
[ "$(md5sum /bin/busybox)" = "$sum" ]
EOF
(cd "$work/idle" && echo idle.sh | cpio --quiet -o -H newc -R 0:0 | gzip -9n) >"$work/idle.gz"
cat "$guest/initrd.gz" "$work/idle.gz" >"$work/initrd-idle.gz"
boot "2 CPUs that idle" "armvm.run=/idle.sh" --cpus 2 --stats --code-store off \
    --initrd "$work/initrd-idle.gz"
grep -q '^memory given back while all idled: 1 times' "$work/log"
verdict $? "idling gave memory back"
boot "modules, DHCP, legacy virtio" "armvm.run=/dev/null" --cpus 2 --legacy-virtio
truncate -s 64M "$work/disk"
devices=(--cpus 2 --disk "path=$work/disk")
boot "devices on virtio-mmio" "armvm.run=/devices.sh" "${devices[@]}"
boot "devices on PCI, GICv3" "armvm.run=/devices.sh" --virtio-bus pci "${devices[@]}"
boot "devices on PCI, GICv2, MSI-X" "armvm.run=/devices.sh" --gic 2 --virtio-bus pci "${devices[@]}"
boot "devices on PCI, GICv2, INTx" "armvm.run=/devices.sh pci=nomsi" --gic 2 --virtio-bus pci \
    "${devices[@]}"
boot "transitional devices on PCI" "armvm.run=/devices.sh" --legacy-virtio --virtio-bus pci \
    "${devices[@]}"
boot "interpreter" armvm.quick --cpus 1 --engine interpret

# A file system on a qcow2 image that is based on a compressed one: written, trimmed, read again after
# the page cache was dropped; afterwards both images and the file system must be whole.
qcow2() {
    mkdir "$work/root"
    cat >"$work/root/run.sh" <<'EOF'
set -e
cd /mnt
dd if=/dev/urandom of=a bs=64k count=300 2>/dev/null
cp a b; cp a c; sync; rm a c; sync
fstrim /mnt
i=0; while [ $i -lt 200 ]; do echo $i >small$i; i=$((i + 1)); done; sync
echo 3 >/proc/sys/vm/drop_caches
md5sum b old >sums
cp b again; sync; echo 3 >/proc/sys/vm/drop_caches
cmp b again
md5sum -c sums
EOF
    head -c 8388608 /dev/urandom >"$work/root/old"
    mke2fs -q -t ext4 -d "$work/root" "$work/disk.raw" 128M >/dev/null 2>&1 &&
        qemu-img convert -q -c -f raw -O qcow2 "$work/disk.raw" "$work/base.qcow2" &&
        qemu-img create -q -f qcow2 -b base.qcow2 -F qcow2 "$work/disk.qcow2" || return 1
    cp "$work/base.qcow2" "$work/before"
    boot "qcow2 disk over a compressed one" "armvm.disk armvm.run=/mnt/run.sh" --cpus 2 \
        --net none --disk "path=$work/disk.qcow2"
    grep -q 'armvm-guest: exit 0' "$work/log" && cmp "$work/base.qcow2" "$work/before" &&
        qemu-img check -q "$work/disk.qcow2" &&
        qemu-img convert -q -O raw "$work/disk.qcow2" "$work/after.raw" &&
        e2fsck -fn "$work/after.raw" >"$work/fsck" 2>&1
}
qcow2
verdict $? "qcow2 disk: the images and the file system are whole"

exit $((failures > 0))
