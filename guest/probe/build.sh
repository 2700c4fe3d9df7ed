#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the probe: build.sh COMPILER ARCHITECTURE OUTPUT   (aarch64: BOOTAA64.EFI)
set -eu
compiler=$1
arch=$2
output=$3
here=$(cd "$(dirname "$0")" && pwd)
case $arch in
aarch64) flags="-march=armv8-a -mgeneral-regs-only -mstrict-align -mno-outline-atomics" ;;
*)
    echo "build.sh: the probe has no part for $arch" >&2
    exit 1
    ;;
esac
# shellcheck disable=SC2086 # flags are words
"$compiler" -O2 -std=gnu11 -Wall -Wextra -Werror -Wno-unused-parameter -ffreestanding -nostdlib \
    $flags -fpie -pie -fno-stack-protector -fno-asynchronous-unwind-tables -fomit-frame-pointer \
    -fno-strict-aliasing -fno-tree-loop-distribute-patterns \
    -I"$here" -I"$here/$arch" -Wl,--build-id=none -Wl,--no-warn-rwx-segments -Wl,--no-dynamic-linker \
    -Wl,-z,norelro -Wl,-T,"$here/$arch/probe.lds" -o "$output.elf" \
    "$here/$arch"/*.S "$here/$arch"/*.c "$here"/*.c "$here"/base/*.c "$here"/uefi/*.c \
    "$here"/describe/*.c "$here"/bare/*.c "$here"/device/*.c
"${compiler%gcc}objcopy" -O binary -j .head -j .text -j .rela -j .data "$output.elf" "$output"
