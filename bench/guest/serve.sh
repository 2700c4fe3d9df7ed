# SPDX-License-Identifier: Apache-2.0
# Run in the small guest (armvm.run=/serve.sh): runs the members that the console names, one a line,
# until "end". With a disk, inside Debian's tree on it.
stty -echo
root=
mount -t tmpfs tmpfs /tmp
if [ -e /dev/vda ]; then
    root=/mnt
    mount -t ext4 -o ro,noload /dev/vda /mnt
    for kind in proc sysfs:sys devtmpfs:dev tmpfs:tmp; do
        mount -t "${kind%:*}" "${kind%:*}" "/mnt/${kind#*:}"
    done
    mkdir -p /mnt/dev/shm /mnt/dev/pts
    mount -t tmpfs tmpfs /mnt/dev/shm
    cp -r /members /files /bench /mnt/tmp/
else
    cp -r /members /files /bench /tmp/
fi
inside() {
    if [ -n "$root" ]; then
        chroot /mnt /usr/bin/env -i PATH=/usr/bin:/bin:/usr/sbin:/sbin HOME=/tmp LC_ALL=C "$@"
    else
        "$@"
    fi
}
cd /tmp || exit 1
inside sh /tmp/members/prepare || echo "bench-unprepared"
echo "bench-ready"
while read -r name && [ "$name" != end ]; do
    inside sh "/tmp/members/$name" </dev/null
    echo "bench-done $?"
done
