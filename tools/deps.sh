#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Installs what a target needs and the machine lacks, from Debian 12's packages: quick and silent
# when nothing is missing. Sets: build (the program), test (make check),
# image (building and booting images), bench.
#   tools/deps.sh SET...
set -euo pipefail

declare -A packages=(
    [build]="gcc meson ninja-build pkg-config python3 libc6-dev libfdt-dev libslirp-dev zlib1g-dev
             libzstd-dev liblzma-dev liblz4-dev libbz2-dev binutils-aarch64-linux-gnu
             gcc-aarch64-linux-gnu"
    [test]="libcmocka-dev libcapstone-dev qemu-user-static device-tree-compiler cpio e2fsprogs gzip
            libc6-dev-arm64-cross clang libclang-rt-14-dev clang-format
            gdb-multiarch expect binutils zstd qemu-efi-aarch64 u-boot-qemu mtools dosfstools
            fdisk gdisk util-linux acpica-tools dmidecode qemu-utils xz-utils lz4 bzip2"
    [image]="apt dpkg debian-archive-keyring e2fsprogs fdisk dosfstools mtools cpio qemu-efi-aarch64"
    [bench]="cpio e2fsprogs gzip qemu-utils gcc libc6-dev gcc-aarch64-linux-gnu libc6-dev-arm64-cross"
)

wanted=()
for set in "$@"; do
    for package in ${packages[$set]}; do
        wanted+=("$package")
    done
done
missing=()
for package in "${wanted[@]}"; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

root=()
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || {
        echo "deps: missing packages: ${missing[*]}" >&2
        echo "deps: install them as root: apt-get install ${missing[*]}" >&2
        exit 1
    }
    root=(sudo)
fi
echo "installing: ${missing[*]}" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install() {
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
        "${missing[@]}" >"$log" 2>&1
}
install || { "${root[@]}" apt-get update -q >"$log" 2>&1 && install; } || {
    tail -n 20 "$log" >&2
    echo "deps: apt could not install: ${missing[*]}" >&2
    exit 1
}
