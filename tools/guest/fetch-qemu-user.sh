#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Brings the user-mode QEMU of Debian's backports into .cache/qemu-user (qemu-aarch64 and its
# big-endian twin), unpacked there and not installed: the oracle of the instruction tests, which
# otherwise is the host's own, older qemu-aarch64-static.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
cache=${ARMVM_CACHE:-$top/.cache}
qemu=$cache/qemu-user
apt=$cache/apt-host
# shellcheck source=tools/guest/apt-private.sh
. "$top/tools/guest/apt-private.sh"

[ -x "$qemu/qemu-aarch64" ] && exit 0
apt_private_init "$apt" "$(dpkg --print-architecture)" backports
mapfile -t options < <(apt_private_options "$apt")
work=$(mktemp -d "$cache/qemu-user.XXXXXX")
trap 'rm -rf "$work"' EXIT
echo "    downloading user-mode QEMU from backports" >&2
(cd "$work" && apt-get "${options[@]}" -t bookworm-backports download qemu-user) >"$apt/download.log" 2>&1 ||
    { tail -n 3 "$apt/download.log" >&2; exit 1; }
dpkg-deb --fsys-tarfile "$work"/qemu-user_*.deb |
    tar -x -C "$work" ./usr/bin/qemu-aarch64 ./usr/bin/qemu-aarch64_be
mkdir -p "$qemu"
mv "$work"/usr/bin/qemu-aarch64* "$qemu/"
"$qemu/qemu-aarch64" --version | sed -n 's/^/    /p;1q' >&2
