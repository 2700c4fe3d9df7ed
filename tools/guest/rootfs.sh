#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# An ext4 image of Debian's own arm64 packages, unpacked (not configured: enough to run programs by
# chroot), for the long tests and benchmarks. In /second are Debian's required packages, as archives
# and unpacked so far that dpkg can run: the state before debootstrap's second stage.
# Leaves .cache/guest/rootfs.img.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
cache=${ARMVM_CACHE:-$top/.cache}
guest=$cache/guest
apt=$cache/apt-arm64
image=$guest/rootfs.img
export PATH=$PATH:/sbin:/usr/sbin
# shellcheck source=tools/guest/apt-private.sh
. "$top/tools/guest/apt-private.sh"

packages=(base-files diffutils base-passwd bash coreutils dash grep sed gawk findutils util-linux mount procps
    tar gzip xz-utils bzip2 zstd jq perl-base stress-ng python3 libpython3.11-testsuite p7zip-full gcc
    libc6-dev make sqlite3 openssl sysbench bc time file fio pigz lua5.4)

mkdir -p "$guest"
[ ! -f "$image" ] || [ "$0" -nt "$image" ] || exit 0
apt_private_init "$apt" arm64
mapfile -t all < <(apt_private_closure "$apt" "${packages[@]}")
[ ${#all[@]} -gt 0 ] || { echo "rootfs: Debian's lists lack a package" >&2; exit 1; }
apt_private_fetch "$apt" "${all[@]}"
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
echo "    unpacking ${#all[@]} packages" >&2
apt_private_unpack "$apt" "$tree" "${all[@]}"
mapfile -t options < <(apt_private_options "$apt")
mapfile -t required < <(apt-cache "${options[@]}" dumpavail |
    awk '/^Package: / { name = $2 } /^Priority: required$/ { print name }' | sort -u)
mapfile -t required < <(apt_private_closure "$apt" "${required[@]}")
[ ${#required[@]} -gt 0 ] || { echo "rootfs: Debian's lists name no required packages" >&2; exit 1; }
apt_private_fetch "$apt" "${required[@]}"
mkdir -p "$tree/second/archives"
apt_private_unpack "$apt" "$tree/second/tree" "${required[@]}"
for package in "${required[@]}"; do
    cp "$(compgen -G "$apt/archives/${package}_*.deb" | head -n 1)" "$tree/second/archives/"
done
mkdir -p "$tree"/{proc,sys,dev,tmp,run,root,mnt}
chmod 1777 "$tree/tmp"
# What configuring the packages would have left and programs need.
printf 'root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$tree/etc/passwd"
printf 'root:x:0:\nnogroup:x:65534:\n' >"$tree/etc/group"
echo 127.0.0.1 localhost >"$tree/etc/hosts"
ln -sf gawk "$tree/usr/bin/awk"
[ -e "$tree/bin/sh" ] || ln -s dash "$tree/bin/sh"
[ -e "$tree/usr/bin/which" ] || ln -sf which.debianutils "$tree/usr/bin/which"
rm -rf "$tree"/usr/share/{doc,man,locale,info,lintian}
cp "$top"/guest/jobs/*.sh "$tree/root/" 2>/dev/null || true
size=$(($(du -sm "$tree" | cut -f1) + 900))
echo "    writing $image (${size} MiB)" >&2
rm -f "$image.new"
truncate -s "${size}M" "$image.new"
mke2fs -q -t ext4 -d "$tree" "$image.new"
mv "$image.new" "$image"
