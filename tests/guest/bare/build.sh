#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds a bare guest: build.sh COMPILER SOURCE-DIRECTORY OUTPUT NAME
set -eu
compiler=$1
source=$2
output=$3
name=$4
"$compiler" -O1 -g -std=gnu11 -Wall -Wextra -Wno-unused-parameter -ffreestanding -nostdlib -static \
    -march=armv8.2-a -mgeneral-regs-only -mstrict-align -mno-outline-atomics -fpie \
    -fno-stack-protector -fno-asynchronous-unwind-tables -fomit-frame-pointer \
    -fno-strict-aliasing -fno-tree-loop-distribute-patterns \
    -Wl,--build-id=none -Wl,--no-warn-rwx-segments -Wl,-T,"$source/bare.lds" -o "$output.elf" \
    "$source/start.S" "$source/bare.c" "$source/gic.c" "$source/$name.c"
"${compiler%gcc}objcopy" -O binary "$output.elf" "$output"
