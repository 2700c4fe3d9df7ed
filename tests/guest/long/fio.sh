#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Debian's fio with verification on a qcow2 disk over a compressed backing file, under kill -9:
# ROUNDS runs (50), each killed at a random moment while fio writes. After each, qemu-img must find
# no corruption (leaked clusters are allowed), and fio in the next guest must find every pass whose
# flush had ended, on the disk and on qemu-img's copy of it; what no pass wrote must be the backing
# file's.
#   fio.sh ARMVM       SEED=N repeats the same moments
set -uo pipefail
top=$(cd "$(dirname "$0")/../../.." && pwd)
armvm=$1
rounds=${ROUNDS:-50}
seed=${SEED:-$RANDOM}
RANDOM=$seed
guest=${ARMVM_CACHE:-$top/.cache}/guest
work=$(mktemp -d)
child=
trap '[ -z "$child" ] || kill -9 "$child" 2>/dev/null; rm -rf "$work"' EXIT

command -v qemu-img >/dev/null || { echo "fio: no qemu-img (package qemu-utils)"; exit 1; }
"$top/tools/guest/fetch.sh" && "$top/tools/guest/rootfs.sh" || exit 1
mkdir -p "$work/tree/t"
cp "$top/tests/guest/long/fio-guest.sh" "$work/tree/t/"
(cd "$work/tree" && find . | cpio --quiet -o -H newc | gzip) >"$work/more.gz"
cat "$guest/initrd.gz" "$work/more.gz" >"$work/initrd.gz"

# 12 regions of 16 MiB that fio writes, and 16 MiB that it does not.
mib=208
head -c $((mib << 20)) "$guest/rootfs.img" >"$work/base.raw"
image=$work/image.qcow2
kinds=("zlib cluster_size=64k" "zstd cluster_size=4k" "zlib cluster_size=2M,lazy_refcounts=on"
    "zstd cluster_size=64k,extended_l2=off,refcount_bits=64" "zlib compat=0.10")

create() { # METHOD OPTIONS
    rm -f "$image" "$work/base.qcow2"
    qemu-img convert -q -c -O qcow2 -o "compression_type=$1" "$work/base.raw" "$work/base.qcow2" &&
        qemu-img create -q -f qcow2 -o "$2" -b "$work/base.qcow2" -F qcow2 "$image" &&
        qemu-img convert -O raw "$image" "$work/copy.raw"
}

declare -A flushed=()

# One run, killed at a random moment of its first to eighth pass; false if it did not get there.
round() { # NUMBER
    local tries=2000 ended ms list=
    for region in "${!flushed[@]}"; do
        list+=${list:+,}$region:${flushed[$region]}
    done
    : >"$work/log"
    "$armvm" run --kernel "$guest/vmlinuz" --initrd "$work/initrd.gz" --net none --memory 512M \
        --cpus $((1 + $1 % 2)) --virtio-bus "$([ $(($1 % 2)) = 0 ] && echo mmio || echo pci)" \
        --disk "path=$guest/rootfs.img,readonly" --disk "path=$image" \
        --disk "path=$work/copy.raw,format=raw,readonly" --timeout 240 \
        --append "console=ttyAMA0 quiet armvm.disk armvm.run=/t/fio-guest.sh work.seed=$(($1 * 1000)) \
work.passes=400 ${list:+work.done=$list}" >"$work/log" 2>&1 </dev/null &
    child=$!
    ended=$((RANDOM % 8))
    until [ "$(grep -c '^fio: begins' "$work/log")" -gt "$ended" ] || [ $((tries -= 1)) -le 0 ] ||
        ! kill -0 $child 2>/dev/null; do
        sleep 0.05
    done
    ms=$((RANDOM % 1000))
    sleep "0.$(printf %03d "$ms")"
    kill -9 $child 2>/dev/null || return 1
    wait $child 2>/dev/null
    child=
    [ $tries -gt 0 ]
}

# What the console said of the passes: a region's seed, or nothing while a pass was under way there.
account() {
    local word what pair
    while read -r word what pair; do
        [ "$word" = fio: ] || continue
        for pair in $pair; do
            case $what in
            begins) unset "flushed[${pair%:*}]" ;;
            flushed) flushed[${pair%:*}]=${pair#*:} && passes=$((passes + 1)) ;;
            esac
        done
    done <"$work/lines"
}

faults() { # NUMBER
    local status=0
    grep '^fio: broken' "$work/lines"
    qemu-img check -q "$image" >"$work/check" 2>&1 || status=$?
    [ $status = 0 ] || [ $status = 3 ] || echo "qemu-img check: $(head -n 3 "$work/check")"
    qemu-img convert -O raw "$image" "$work/copy.raw" || echo "qemu-img cannot read it"
    cmp -s -i $((192 << 20)) "$work/copy.raw" "$work/base.raw" || echo "what nothing wrote has changed"
}

failed=0
passes=0
found=0
began=$(date +%s)
for number in $(seq "$rounds"); do
    if [ $((number % 10)) = 1 ]; then
        flushed=()
        read -r method options <<<"${kinds[$(((number - 1) / 10 % ${#kinds[@]}))]}"
        create "$method" "$options" || exit 1
    fi
    : >"$work/faults"
    round "$number" || echo "the guest ended by itself, or did not come to writing" >"$work/faults"
    tr -d '\r' <"$work/log" >"$work/lines"
    found=$((found + $(sed -n 's/^fio: verified \([0-9]*\) .*/\1/p' "$work/lines")))
    account
    faults "$number" >>"$work/faults"
    if [ -s "$work/faults" ]; then
        failed=$((failed + 1))
        saved=$(mktemp -d "${TMPDIR:-/tmp}/armvm-failed-fio.XXXXXX")
        cp --sparse=always "$work/log" "$image" "$saved/"
        echo "round $number ($options; log and image: $saved):"
        sed 's/^/    /' "$work/faults"
        flushed=()
    fi
done
echo "fio: $rounds rounds killed, $passes passes flushed, $found verified after a kill," \
    "$(($(date +%s) - began)) s, $failed failed (SEED=$seed)"
exit $((failed > 0))
