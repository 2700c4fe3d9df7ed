# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2013,SC2086
# Run in the small guest over Debian's read-only root: verifies with fio what earlier runs flushed on
# the disk (vdb) and on the copy that qemu-img made of it (vdc), then lets fio write until killed.
# The kernel's command line: work.done=REGION:SEED,... work.seed=FIRST work.passes=HOW-MANY
done=
seed=0
passes=0
for word in $(cat /proc/cmdline); do
    case $word in
    work.done=*) done=$(echo "${word#*=}" | tr , ' ') ;;
    work.seed=*) seed=${word#*=} ;;
    work.passes=*) passes=${word#*=} ;;
    esac
done
regions=12
mib=16 # of a region
mount -t devtmpfs devtmpfs /mnt/dev
mkdir -p /mnt/dev/shm
mount -t tmpfs tmpfs /mnt/dev/shm
mount -t tmpfs tmpfs /mnt/tmp
mount -t proc proc /mnt/proc
mount -t sysfs sysfs /mnt/sys

in_debian() {
    chroot /mnt /usr/bin/env -i PATH=/usr/bin:/bin:/usr/sbin:/sbin TERM=dumb sh -c "cd /tmp && $*"
}

# The options of the pass with a seed: its pattern depends on nothing else, so verification repeats it.
pass() { # DISK REGION SEED
    options="--name=region$2 --filename=$1 --offset=$(($2 * mib))m --randseed=$3 --fsync=$((1 + $3 % 64))"
    case $(($3 % 4)) in
    0) echo "$options --size=${mib}m --rw=write --bsrange=4k-64k --blockalign=4k" ;;
    1) echo "$options --size=${mib}m --rw=randwrite --bsrange=4k-64k --blockalign=4k" ;;
    2) echo "$options --size=2m --rw=randwrite --bsrange=512-16k --blockalign=512" ;;
    3) echo "$options --size=${mib}m --rw=randwrite --bs=4k" ;;
    esac
}

common="--direct=1 --ioengine=libaio --iodepth=16 --verify=crc32c --verify_fatal=1 --randrepeat=1
    --allrandrepeat=1 --end_fsync=1 --minimal"

for disk in /dev/vdb /dev/vdc; do
    set --
    for one in $done; do
        set -- "$@" "$(pass $disk "${one%:*}" "${one#*:}") --do_verify=1 --verify_only"
    done
    if [ $# -gt 0 ] && ! in_debian "fio $(echo $common) $* >/tmp/fio.out 2>&1"; then
        echo "fio: broken: $disk does not hold what was flushed"
        tail -n 12 /mnt/tmp/fio.out
        exit 1
    fi
    dd if=$disk of=/dev/null bs=1M 2>/mnt/tmp/dd.out || { echo "fio: broken: $disk cannot be read"; exit 1; }
done
echo "fio: verified $(echo $done | wc -w) regions"

while [ "$passes" -gt 0 ]; do
    passes=$((passes - 1))
    seed=$((seed + 1))
    low=$((seed % (regions / 2)))
    high=$((low + regions / 2))
    echo "fio: begins $low:$seed $high:$((seed + 1))"
    if [ $((seed % 4)) = 3 ]; then
        in_debian "blkdiscard -f -o $((low * mib))MiB -l ${mib}MiB /dev/vdb" || { echo "fio: broken: blkdiscard failed"; exit 1; }
    fi
    in_debian "fio $(echo $common) --do_verify=0 $(pass /dev/vdb $low $seed) \
        $(pass /dev/vdb $high $((seed + 1))) >/tmp/fio.out 2>&1" || {
        echo "fio: broken: fio failed"
        tail -n 12 /mnt/tmp/fio.out
        exit 1
    }
    echo "fio: flushed $low:$seed $high:$((seed + 1))"
    seed=$((seed + 1))
done
