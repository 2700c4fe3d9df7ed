# SPDX-License-Identifier: Apache-2.0
# fio on the second disk, which it writes over: blocks of mixed sizes with checksums, synced now and
# then, read back and verified; then all of it once more from the disk alone.
disk=/dev/vdb
[ -b $disk ] || { echo "fio: the guest has no second disk"; exit 1; }
size=$(($(blockdev --getsize64 $disk) / 2))
# Two jobs with a half each, so that neither checks what the other wrote.
common="--filename=$disk --direct=1 --ioengine=libaio --iodepth=16 --size=$size --bsrange=4k-64k
    --blockalign=4k --fsync=32 --verify=crc32c --verify_fatal=1 --randrepeat=1 --minimal"
for pattern in write randwrite randrw; do
    # shellcheck disable=SC2086
    fio $common --verify_backlog=256 --name=low --rw=$pattern --offset=0 \
        --name=high --rw=$pattern --offset=$size >/tmp/fio.out 2>&1 ||
        { tail -n 20 /tmp/fio.out; exit 1; }
    echo "fio: $pattern verified"
done
# shellcheck disable=SC2086
for half in 0 $size; do
    fio $common --name=whole --rw=write --offset=$half --do_verify=0 >/tmp/fio.out 2>&1 &&
        echo 3 >/proc/sys/vm/drop_caches &&
        fio $common --name=whole --rw=write --offset=$half --verify_only >/tmp/fio.out 2>&1 ||
        { tail -n 20 /tmp/fio.out; exit 1; }
done
echo "fio: all read back"
