#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# pack.sh DEVICE: removes what only this installation needed and what would differ from one build to
# the next, then writes the tree to the image's root partition as a new file system.
set -eu
. /run/armvm/config
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin TZ=UTC
device=$1
echo "@armvm stage pack"

rm -rf /var/cache/apt/*.bin /var/cache/apt/archives/*.deb /var/lib/apt/lists/* /var/log/*.log \
    /var/log/apt/* /var/log/journal /var/cache/debconf/*-old /var/lib/dpkg/*-old /var/cache/ldconfig/* \
    /var/lib/systemd/random-seed /var/lib/dbus/machine-id /etc/passwd- /etc/shadow- /etc/group- \
    /etc/gshadow- /etc/subuid- /etc/subgid- /etc/.pwd.lock /etc/ssh/ssh_host_* /var/tmp/* /root/.[a-z]*_history
for log in btmp wtmp lastlog faillog; do
    [ ! -e "/var/log/$log" ] || : >"/var/log/$log"
done
: >/etc/machine-id
mkdir -p /var/lib/dbus
ln -s /etc/machine-id /var/lib/dbus/machine-id

# Seen through a bind mount the tree has no other file systems on it.
tree=/run/armvm/tree
mkdir $tree
mount --bind / $tree
rm -rf $tree/run/* $tree/tmp/* $tree/dev/* $tree/lost+found
find $tree -newermt "@$SOURCE_DATE_EPOCH" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
# GRUB 2.06 reads neither of the two features that newer versions turn on. The work disk's fixed
# hash seed makes directories come in the same order each time.
E2FSPROGS_FAKE_TIME=$SOURCE_DATE_EPOCH mke2fs -q -F -t ext4 -L root -U "$ROOT_UUID" \
    -O ^metadata_csum_seed,^orphan_file -E "hash_seed=$HASH_SEED,nodiscard,assume_storage_prezeroed=1" \
    -d $tree "$device"
umount $tree
