#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Fuzzes all that tests/fuzz has, a minute each: tools/fuzz.sh [SECONDS]. Fails on a finding; says
# so and succeeds where clang has no fuzzer run-time.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
seconds=${1:-60}
clang=$(command -v clang || command -v clang-14 || true)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/probe.c" <<EOF
#include <stddef.h>
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    return !data && size;
}
EOF
if [ -z "$clang" ] ||
    ! "$clang" -fsanitize=fuzzer,address -o "$work/probe" "$work/probe.c" 2>/dev/null; then
    echo "fuzz: skipped, there is no clang with libFuzzer (Debian: clang, libclang-rt-dev)"
    exit 0
fi
exec "$top/tests/fuzz/run.sh" -t "$seconds"
