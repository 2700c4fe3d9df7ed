#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The tests of A64 instructions: tools/check-insn.sh BUILD [long]
#
# The decoder against the architecture's tables, and the differential suite of all engines against
# qemu-user: the one of Debian's backports where .cache has it (`long` fetches it), else the host's.
# Each part closes with a line of counts, the suite's comes last. Short: what `make check` does, 200
# operand sets an encoding. Long: 100 million words, 10,000 operand sets, as many blocks as fit.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
insn=$1/tests/insn
cache=${ARMVM_CACHE:-$top/.cache}
export ARMVM_QEMU_USER=$cache/qemu-user:$cache/qemu/usr/bin
run() { # COMMAND...: 77 means that there is no emulator
    "$@" || { [ $? = 77 ] && echo "skipped: no qemu-user"; }
}
if [ "${2:-}" != long ]; then
    "$insn/a64_coverage" --check "$top/docs/a64-coverage.md"
    run "$insn/insn_suite"
    exit
fi
"$top/tools/guest/fetch-qemu-user.sh" || echo "check-insn: the host's qemu-user will do" >&2
"$insn/a64_coverage" --words 100000000 --per-row 20000 --check "$top/docs/a64-coverage.md"
# Older emulators decode reserved half-precision forms.
[ ! -x "$cache/qemu-user/qemu-aarch64" ] || run "$insn/insn_suite" --words 3000000
run "$insn/insn_suite" --big-endian --sets 1000 --blocks 20000 --cases 20 --seed "$$"
run "$insn/insn_suite" --sets 10000 --blocks 200000 --cases 100 --seed "$$"
