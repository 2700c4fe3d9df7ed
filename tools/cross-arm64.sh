#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds armvm for arm64 Linux into build-arm64 and lets it boot the small guest under qemu-user:
# proof that the interpreter needs nothing of x86-64. Libraries come from Debian's arm64 packages,
# unpacked into .cache/sysroot-arm64.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
cache=${ARMVM_CACHE:-$top/.cache}
sysroot=$cache/sysroot-arm64
build=$top/build-arm64
# shellcheck source=tools/guest/apt-private.sh
. "$top/tools/guest/apt-private.sh"

packages=(libfdt-dev libfdt1 zlib1g-dev zlib1g libzstd-dev libzstd1
    liblzma-dev liblzma5 liblz4-dev liblz4-1 libbz2-dev libbz2-1.0
    libslirp-dev libslirp0 libglib2.0-0 libpcre2-8-0)
if [ "$(cat "$sysroot/complete" 2>/dev/null)" != "${packages[*]}" ]; then
    apt_private_init "$cache/apt-arm64" arm64
    apt_private_fetch "$cache/apt-arm64" "${packages[@]}"
    rm -rf "$sysroot"
    apt_private_unpack "$cache/apt-arm64" "$sysroot" "${packages[@]}"
    echo "${packages[*]}" >"$sysroot/complete"
fi
cat >"$cache/cross-arm64.ini" <<EOF
[binaries]
c = 'aarch64-linux-gnu-gcc'
ar = 'aarch64-linux-gnu-ar'
strip = 'aarch64-linux-gnu-strip'
pkgconfig = 'pkg-config'
[built-in options]
c_args = ['-I$sysroot/usr/include', '-I$sysroot/usr/include/aarch64-linux-gnu']
c_link_args = ['-L$sysroot/usr/lib/aarch64-linux-gnu', '-L$sysroot/lib/aarch64-linux-gnu',
  '-Wl,-rpath-link,$sysroot/usr/lib/aarch64-linux-gnu:$sysroot/lib/aarch64-linux-gnu']
[properties]
sys_root = '$sysroot'
pkg_config_libdir = ['$sysroot/usr/lib/aarch64-linux-gnu/pkgconfig', '$sysroot/usr/share/pkgconfig']
[host_machine]
system = 'linux'
cpu_family = 'aarch64'
cpu = 'aarch64'
endian = 'little'
EOF
[ -f "$build/build.ninja" ] ||
    meson setup "$build" "$top" --cross-file "$cache/cross-arm64.ini" >"$build.log" 2>&1 ||
    { cat "$build.log"; exit 1; }
rm -f "$build.log"
ninja -C "$build" armvm >"$cache/cross-arm64.log" 2>&1 || { tail -n 20 "$cache/cross-arm64.log"; exit 1; }

"$top/tools/guest/builtin.sh" --build-only
run() {
    qemu-aarch64-static -L /usr/aarch64-linux-gnu -E "LD_LIBRARY_PATH=$sysroot/usr/lib/aarch64-linux-gnu:$sysroot/lib/aarch64-linux-gnu" \
        "$build/armvm" "$@"
}
run run --kernel "$cache/builtin.img" --memory 128M --net none --cpus 1 --engine interpret \
    --timeout 60 --expect 'ready> ' </dev/null
echo
echo "arm64 build of armvm: its interpreter booted the small guest"
