#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A real GDB on a booting kernel: steps, a breakpoint, registers and memory; then it
# detaches and the guest must come up as if nothing had been.
#   gdb.sh ARMVM [REPORT]     REPORT receives TAP lines as well
set -uo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
armvm=$1
report=${2:-/dev/null}
guest=${ARMVM_CACHE:-$top/.cache}/guest
failures=0
number=0
work=$(mktemp -d)
trap 'kill "${vm:-}" 2>/dev/null; rm -rf "$work"' EXIT
export XDG_CACHE_HOME=$work/cache # of the code store
: >"$report"

verdict() { # STATUS NAME
    local result=ok
    number=$((number + 1))
    if [ "$1" != 0 ]; then
        result="not ok"
        failures=$((failures + 1))
    fi
    echo "$result $number - $2" | tee -a "$report"
}

if ! command -v gdb-multiarch >/dev/null; then
    echo "ok 1 - debugger # SKIP no gdb-multiarch" | tee "$report"
    exit 0
fi
"$top/tools/guest/fetch.sh" || exit 1

timeout 120 "$armvm" run --kernel "$guest/vmlinuz" --initrd "$guest/initrd.gz" --cpus 2 \
    --memory 512M --net none --append "console=ttyAMA0 armvm.quick" --gdb 0,wait --timeout 100 \
    >"$work/log" 2>&1 </dev/null &
vm=$!
for _ in $(seq 100); do
    port=$(sed -n 's/.*target remote 127.0.0.1:\([0-9]*\).*/\1/p' "$work/log")
    [ -n "$port" ] && break
    sleep 0.1
done

# The kernel's first instructions are a header and a branch; then comes a call, and what follows it.
# The word at $word is in memory that nothing uses so early.
cat >"$work/script" <<END
set pagination off
set confirm off
set architecture aarch64
target remote 127.0.0.1:${port:-1}
printf "entry=%lx el=%lx\n", (long)\$pc & 0x1fffff, (long)\$cpsr >> 2 & 3
stepi
stepi
set \$start = (long)\$pc
hbreak *(\$start + 8)
continue
printf "distance=%ld\n", (long)\$pc - \$start
delete
set \$x20 = 0x1234
printf "x20=%lx\n", \$x20
set \$word = 0x5ff00000
set *(long *)\$word = 0x77
printf "word=%lx\n", *(long *)\$word
info threads
detach
quit
END
timeout 60 gdb-multiarch -nx -batch -x "$work/script" >"$work/gdb" 2>&1
grep -q '^entry=0 el=1' "$work/gdb"
verdict $? "debugger sees the entry point before it runs"
grep -q '^distance=8$' "$work/gdb"
verdict $? "breakpoint is met behind the call"
grep -q '^x20=1234$' "$work/gdb" && grep -q '^word=77$' "$work/gdb"
verdict $? "registers and memory can be changed"
grep -q '2 *Thread 2 (CPU 1, EL1, off)' "$work/gdb"
verdict $? "CPUs are threads"
wait "$vm"
status=$?
[ $status = 0 ] && grep -q 'armvm-guest: user space is up' "$work/log"
verdict $? "guest boots after the debugger has left"
if [ $failures != 0 ]; then
    cat "$work/gdb"
    tail -n 5 "$work/log"
fi
exit $((failures > 0))
