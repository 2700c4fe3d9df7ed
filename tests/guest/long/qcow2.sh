#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# qcow2 images under kill -9: ROUNDS runs (50) of a guest in which four processes write, zero,
# discard and flush, on images of several kinds over compressed backing files; the machine is killed
# at a random moment, each fifth time the guest powers off instead. After each run qemu-img must
# find no corruption (leaked clusters are allowed after a kill), and the image, as qemu-img reads it,
# must hold what had been flushed by what the console said; the next guest must read the same.
# At last fio with verification in a Debian guest, and its image checked.
#   qcow2.sh ARMVM       SEED=N repeats the same moments; FIO=no leaves fio out
set -uo pipefail
top=$(cd "$(dirname "$0")/../../.." && pwd)
armvm=$1
rounds=${ROUNDS:-50}
seed=${SEED:-$RANDOM}
RANDOM=$seed
cc=${CROSS_CC:-aarch64-linux-gnu-gcc}
guest=${ARMVM_CACHE:-$top/.cache}/guest
sectors=$((96 << 11))
work=$(mktemp -d)
child=
trap '[ -z "$child" ] || kill -9 "$child" 2>/dev/null; rm -rf "$work"' EXIT

for tool in qemu-img:qemu-utils "$cc:gcc-aarch64-linux-gnu" gcc:gcc; do
    if ! command -v "${tool%:*}" >/dev/null; then
        echo "qcow2: no ${tool%:*} (package ${tool#*:})"
        exit 1
    fi
done
"$top/tools/guest/fetch.sh" || exit 1
mkdir -p "$work/tree/t"
source=$top/tests/guest/long/diskwork.c
"$cc" -std=gnu11 -O2 -static -Wall -Wextra -o "$work/tree/t/diskwork" "$source" &&
    gcc -std=gnu11 -O2 -Wall -Wextra -o "$work/diskwork" "$source" || exit 1
cp "$top/tests/guest/long/qcow2-guest.sh" "$work/tree/t/"
(cd "$work/tree" && find . | cpio --quiet -o -H newc | gzip) >"$work/more.gz"
cat "$guest/initrd.gz" "$work/more.gz" >"$work/initrd.gz"

# The backing files: shorter than the images over them, one compressed with each method.
"$work/diskwork" base "$work/base.raw" $((sectors * 2 / 3)) || exit 1
for method in zlib zstd; do
    qemu-img convert -q -c -O qcow2 -o compression_type=$method "$work/base.raw" \
        "$work/base-$method.qcow2" || exit 1
done
qemu-img convert -q -O qcow2 -o cluster_size=4k "$work/base.raw" "$work/base-small.qcow2" || exit 1

# What is under test: options, backing file, and how many sectors (at most 128) belong to one process
# before the next one's: below a cluster's size, processes meet in clusters.
kinds=(
    "cluster_size=64k base-zlib 32"
    "cluster_size=4k base-zstd 32"
    "cluster_size=2M,lazy_refcounts=on base-zlib 128"
    "cluster_size=512,refcount_bits=64 base-small 64"
    "compat=0.10 base-zlib 128"
    "compressed none 64"
    "cluster_size=16k,refcount_bits=1 base-zstd 16"
)
image=$work/image.qcow2

create() { # OPTIONS BACKING
    rm -f "$image"
    if [ "$1" = compressed ]; then
        cp "$work/base.raw" "$work/whole.raw" && truncate -s $((sectors * 512)) "$work/whole.raw" &&
            qemu-img convert -q -c -O qcow2 "$work/whole.raw" "$image"
    else
        qemu-img create -q -f qcow2 -o "$1" -b "$work/$2.qcow2" -F qcow2 "$image" $((sectors * 512))
    fi && qemu-img convert -O raw "$image" "$work/raw" &&
        "$work/diskwork" check "$work/raw" "$work/state" 0 0 - >/dev/null &&
        "$work/diskwork" sum "$work/raw" >"$work/sum"
}

# One run; sets what it was; false if the guest did not get there.
round() { # NUMBER STRIPE
    local ops=1000000000 tries=600 ms status=0 bus=mmio
    what=killed
    if [ $(($1 % 5)) = 0 ]; then
        what="powered off"
        ops=1500
    fi
    [ $(($1 % 2)) = 0 ] || bus=pci
    : >"$work/log"
    "$armvm" run --kernel "$guest/vmlinuz" --initrd "$work/initrd.gz" --net none --memory 512M \
        --cpus $((1 + $1 % 3)) --virtio-bus $bus --disk "path=$image" --timeout 120 \
        --append "console=ttyAMA0 quiet armvm.run=/t/qcow2-guest.sh work.round=$1 \
work.stripe=$2 work.ops=$ops" >"$work/log" 2>&1 </dev/null &
    child=$!
    if [ "$what" = killed ]; then
        until grep -q '^work: sum' "$work/log"; do
            tries=$((tries - 1))
            if [ $tries -le 0 ] || ! kill -0 $child 2>/dev/null; then
                break
            fi
            sleep 0.05
        done
        ms=$((RANDOM % 2500))
        sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
        kill -9 $child
        tries=$((tries > 0))
    fi
    wait $child 2>/dev/null || status=$?
    child=
    if [ "$what" = killed ]; then
        [ $tries = 1 ]
    else
        [ $status = 0 ]
    fi
}

# What is wrong after a run, a line each.
faults() { # NUMBER STRIPE
    local status=0
    tr -d '\r' <"$work/log" >"$work/lines"
    grep '^work: broken' "$work/lines"
    grep '^work: sum' "$work/lines" | cmp -s - "$work/sum" || echo "the guest reads other than qemu-img"
    qemu-img check -q "$image" >"$work/check" 2>&1 || status=$?
    found=$(grep -c '^Leaked cluster' "$work/check")
    if [ $status = 3 ] && { [ "$what" = killed ] || [ "$found" -le "$leaked" ]; }; then
        most=$((found > most ? found : most))
    elif [ $status != 0 ]; then
        echo "qemu-img check ends with $status: $(head -n 3 "$work/check")"
    fi
    leaked=$found
    qemu-img convert -O raw "$image" "$work/raw" || echo "qemu-img cannot read it"
    "$work/diskwork" check "$work/raw" "$work/state" "$1" "$2" "$work/lines" >"$work/checked"
    grep '^work: broken' "$work/checked"
    "$work/diskwork" sum "$work/raw" >"$work/sum"
}

failed=0
leaked=0 # clusters, after the last run
most=0
operations=0
began=$(date +%s)
for number in $(seq "$rounds"); do
    read -r options backing stripe <<<"${kinds[$(((number - 1) / 5 % ${#kinds[@]}))]}"
    if [ $((number % 5)) = 1 ]; then
        leaked=0
        create "$options" "$backing" || exit 1
    fi
    cp --sparse=always "$image" "$work/before.qcow2"
    : >"$work/faults"
    round "$number" "$stripe" || echo "the guest did not come up, or did not end" >"$work/faults"
    faults "$number" "$stripe" >>"$work/faults"
    operations=$((operations + $(sed -n 's/^work: checked \([0-9]*\) .*/\1/p' "$work/checked")))
    if [ -s "$work/faults" ]; then
        failed=$((failed + 1))
        saved=$(mktemp -d "${TMPDIR:-/tmp}/armvm-failed-qcow2.XXXXXX")
        cp --sparse=always "$work/log" "$work/before.qcow2" "$image" "$saved/"
        echo "round $number ($options, $what; log, image before and after: $saved):"
        sed 's/^/    /' "$work/faults"
    fi
done
echo "qcow2: $rounds rounds, $operations operations flushed and found, at most $most clusters leaked," \
    "$(($(date +%s) - began)) s, $failed failed (SEED=$seed)"
[ "${FIO:-yes}" = no ] && exit $((failed > 0))

"$top/tools/guest/rootfs.sh" || exit 1
create cluster_size=64k base-zlib || exit 1
cp --sparse=always "$guest/rootfs.img" "$work/disk.img"
"$armvm" run --kernel "$guest/vmlinuz" --initrd "$guest/initrd.gz" --cpus 2 --memory 1G --net none \
    --disk "path=$work/disk.img" --disk "path=$image" --timeout 1800 \
    --append "console=ttyAMA0 quiet armvm.disk armvm.run=/mnt/root/enter.sh armvm.job=fio" \
    </dev/null 2>&1 | tr -d '\r' | tee "$work/log" | grep -a -E '^fio:|^job|verify|err='
if ! grep -q '^fio: all read back' "$work/log" || ! qemu-img check -q "$image"; then
    tail -n 20 "$work/log"
    failed=$((failed + 1))
fi
echo "qcow2: fio in Debian, $failed failed"
exit $((failed > 0))
