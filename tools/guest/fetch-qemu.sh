#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Brings QEMU from Debian's backports into .cache/qemu, unpacked there and not installed: the rival
# of `make bench`, and the oracle of tests/insn where it is newer than Debian's own. Leaves
# .cache/qemu/qemu-system-aarch64, a wrapper that runs it in place, and usr/bin/qemu-aarch64.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
cache=${ARMVM_CACHE:-$top/.cache}
qemu=$cache/qemu
apt=$cache/apt-host
# shellcheck source=tools/guest/apt-private.sh
. "$top/tools/guest/apt-private.sh"

[ -x "$qemu/qemu-system-aarch64" ] && [ -x "$qemu/usr/bin/qemu-aarch64" ] && exit 0
apt_private_init "$apt" "$(dpkg --print-architecture)" backports
mapfile -t options < <(apt_private_options "$apt")
# What this host already has need not be brought.
options+=(-o Dir::State::status=/var/lib/dpkg/status -t bookworm-backports)
mapfile -t packages < <(apt-get "${options[@]}" install -s --no-install-recommends \
    qemu-system-arm qemu-user |
    sed -n 's/^Inst \([^ ]*\) .*/\1/p' | sed 's/:.*//' | sort -u)
[ ${#packages[@]} -gt 0 ] || { echo "fetch-qemu: nothing to bring" >&2; exit 1; }
echo "    downloading QEMU from backports (${#packages[@]} packages)" >&2
mkdir -p "$apt/incoming"
(cd "$apt/incoming" && apt-get "${options[@]}" download "${packages[@]}") >"$apt/download.log" 2>&1
rm -rf "$qemu"
mkdir -p "$qemu"
for deb in "$apt"/incoming/*.deb; do
    dpkg-deb -x "$deb" "$qemu"
done
libraries=$(find "$qemu" -name '*.so*' -printf '%h\n' | sort -u | paste -sd:)
cat >"$qemu/qemu-system-aarch64" <<EOF
#!/bin/sh
LD_LIBRARY_PATH=$libraries exec $qemu/usr/bin/qemu-system-aarch64 -L $qemu/usr/share/qemu "\$@"
EOF
chmod +x "$qemu/qemu-system-aarch64"
