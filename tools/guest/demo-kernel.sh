#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# make demo-kernel: Debian's arm64 kernel with busybox, a disk and a network. On a terminal an interactive
# shell; else a scripted session that ends by itself.
#   demo-kernel.sh ARMVM
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
armvm=$1
cache=${ARMVM_CACHE:-$top/.cache}
guest=$cache/guest
demo=$cache/demo

for tool in mke2fs cpio gzip; do
    PATH=$PATH:/sbin:/usr/sbin command -v $tool >/dev/null || "$top/tools/deps.sh" bench
done
export PATH=$PATH:/sbin:/usr/sbin

if ! "$top/tools/guest/fetch.sh"; then
    echo "Debian's packages for the guest cannot be reached: booting armvm's own small guest instead."
    exec "$top/tools/guest/builtin.sh" "$armvm"
fi

make_disk() { # FILE SESSION-SCRIPT
    local tree
    tree=$(mktemp -d)
    [ -z "$2" ] || cp "$2" "$tree/session.sh"
    rm -f "$1"
    truncate -s 256M "$1"
    mke2fs -q -t ext4 -d "$tree" "$1"
    rm -rf "$tree"
}

common=(run --kernel "$guest/vmlinuz" --initrd "$guest/initrd.gz" --cpus 2 --memory 1G --net user)
mkdir -p "$demo"

if [ -t 0 ]; then
    [ -f "$demo/disk.img" ] || make_disk "$demo/disk.img" ""
    echo "Booting Debian's kernel $(cat "$guest/kernel.txt"). The disk is at /mnt and keeps what you write."
    echo "Type 'poweroff -f' in the guest to end, Ctrl-] for armvm's menu."
    exec "$armvm" "${common[@]}" --disk "path=$demo/disk.img" --append "console=ttyAMA0 quiet armvm.disk"
fi

# The scripted session: the first boot writes a file and resets, the second one reads it.
work=$(mktemp -d)
server=
trap 'kill $server 2>/dev/null || true; rm -rf "$work"' EXIT
echo "greetings from the host" >"$work/greeting.txt"
(cd "$work" && exec python3 -u -m http.server --bind 127.0.0.1 0 >"$work/server.log" 2>&1) &
server=$!
port=
for _ in $(seq 50); do
    port=$(sed -n 's/.* port \([0-9]*\) .*/\1/p' "$work/server.log" 2>/dev/null)
    [ -z "$port" ] || break
    sleep 0.1
done
[ -n "$port" ] || { echo "demo-kernel: the host's web server did not start" >&2; exit 1; }

cat >"$work/session.sh" <<EOF
run() { echo "guest# \$*"; "\$@" || exit 1; }
if [ ! -f /mnt/note.txt ]; then
    run uname -a
    run grep -E 'processor|Features' /proc/cpuinfo
    echo 'guest# echo "written before the reset" > /mnt/note.txt'
    echo "written before the reset" > /mnt/note.txt
    umount /mnt
    echo 'guest# reboot'
    reboot -f
fi
run cat /mnt/note.txt
run ip -4 addr show eth0
run wget -q -O /tmp/greeting http://10.0.2.2:$port/greeting.txt
run cat /tmp/greeting
umount /mnt 2>/dev/null
echo 'guest# poweroff'
exit 0
EOF
make_disk "$work/disk.img" "$work/session.sh"
status=0
"$armvm" "${common[@]}" --disk "path=$work/disk.img" --timeout 300 \
    --append "console=ttyAMA0 quiet armvm.disk armvm.run=/mnt/session.sh" >"$work/log" </dev/null || status=$?
tr -d '\r' <"$work/log" | grep -v '^\[' || true
for line in 'written before the reset' 'greetings from the host' 'armvm-guest: exit 0'; do
    if ! tr -d '\r' <"$work/log" | grep -qxF "$line"; then
        echo "demo-kernel: the session did not show \"$line\"" >&2
        exit 1
    fi
done
exit $status
