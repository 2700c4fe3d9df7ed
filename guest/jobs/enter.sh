#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Run by the small guest's init from the Debian image: enters it and runs the jobs that the kernel's
# command line names (armvm.job=NAME,NAME...).
mount -t proc proc /mnt/proc
mount -t sysfs sysfs /mnt/sys
mount -t devtmpfs devtmpfs /mnt/dev
mkdir -p /mnt/dev/shm /mnt/dev/pts
mount -t tmpfs tmpfs /mnt/dev/shm
mount -t devpts devpts /mnt/dev/pts
mount -t tmpfs tmpfs /mnt/tmp
status=0
for word in $(cat /proc/cmdline); do
    case $word in
    armvm.job=*)
        for job in $(echo "${word#armvm.job=}" | tr , ' '); do
            echo "job $job begins"
            chroot /mnt /usr/bin/env -i PATH=/usr/bin:/bin:/usr/sbin:/sbin HOME=/root \
                TERM=dumb SECONDS_EACH="$(sed -n "s,.*armvm.seconds=\([0-9]*\).*,\1,p" /proc/cmdline)" bash "/root/$job.sh"
            rc=$?
            echo "job $job ends with $rc"
            [ $rc = 0 ] || status=$rc
        done ;;
    esac
done
exit $status
