#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds an image twice, looks at it with other people's tools, and boots it through firmware. Takes
# some ten minutes and, the first time, 117 MiB of packages.
#   image.sh ARMVM [REPORT]     REPORT receives TAP lines as well
set -uo pipefail
armvm=$1
report=${2:-/dev/null}
: >"$report"
export PATH=$PATH:/usr/sbin:/sbin
number=0
failures=0
work=$(mktemp -d "${TMPDIR:-/var/tmp}/armvm-image-test-XXXXXX")
trap 'rm -rf "$work"' EXIT
export XDG_CACHE_HOME=$work/cache # of the code store

verdict() { # STATUS NAME
    number=$((number + 1))
    local word=ok
    [ "$1" = 0 ] || { word='not ok'; failures=$((failures + 1)); }
    echo "$word $number - $2" | tee -a "$report"
}

image=$work/disk.img
"$armvm" image create --output "$image" --password secret >"$work/log" 2>&1 </dev/null
status=$?
verdict $status "an image is built"
if [ $status != 0 ]; then
    tail -n 5 "$work/log"
    exit 1
fi
"$armvm" image create --output "$work/again.qcow2" --password secret --quiet </dev/null
verdict $? "and again, as qcow2"
if command -v qemu-img >/dev/null; then
    qemu-img check -q "$work/again.qcow2" && qemu-img compare -q "$image" "$work/again.qcow2"
    verdict $? "both are the same"
fi
if command -v sgdisk >/dev/null; then
    sgdisk -v "$image" | grep -q '^No problems found'
    verdict $? "sgdisk finds no problems"
fi
dd if="$image" of="$work/esp" bs=1M skip=1 count=256 conv=sparse status=none
fsck.vfat -n "$work/esp" >/dev/null
verdict $? "fsck.vfat finds no problems"
e2fsck -fn "$image?offset=$((257 << 20))" >/dev/null 2>&1
verdict $? "e2fsck finds no problems"
! "$armvm" image info "$image" | grep -q 'problem:'
verdict $? "armvm image info finds no problems"
"$armvm" image info "$image" | grep -q '/EFI/BOOT/BOOTAA64.EFI: GRUB .*AArch64'
verdict $? "the boot loader is where firmware looks"
for profile in rfc-v2 v1.0 v2.0; do
    "$armvm" check --profile $profile "$work/again.qcow2" >"$work/log"
    verdict $? "armvm check finds nothing, $profile"
    ! grep -E '^  (FAIL|WARN|SKIP)' "$work/log"
    verdict $? "and nothing is recommended or skipped"
done
for gic in 2 3; do
    timeout 400 "$armvm" run "$image" --ephemeral --net none --gic $gic --timeout 300 --expect 'debian login: ' \
        >"$work/log" 2>&1 </dev/null
    status=$?
    verdict $status "it boots to a login, GICv$gic"
    [ $status = 0 ] || tail -n 5 "$work/log"
done
exit $((failures > 0))
