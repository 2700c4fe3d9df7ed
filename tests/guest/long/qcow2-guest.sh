# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2013
# Run in the small guest: what does the disk hold, then work on it (diskwork.c).
round=
stripe=
ops=
for word in $(cat /proc/cmdline); do
    case $word in
    work.round=*) round=${word#*=} ;;
    work.stripe=*) stripe=${word#*=} ;;
    work.ops=*) ops=${word#*=} ;;
    esac
done
/t/diskwork sum /dev/vda
/t/diskwork write /dev/vda "$round" "$stripe" "$ops" || echo "work: broken: the guest's writer failed."
