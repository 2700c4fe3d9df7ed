#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The long tests: Debian's own programs and their self-checks in a guest, and boots in a row.
#   long.sh ARMVM [boots|guest|jobs|litmus|logins|matrix|results|suites|vars|qcow2|fio|installer|
#                  machines]
# All of them without the second argument. Results compares what programs print with what they print
# under QEMU. The others are in long/: UEFI variables and qcow2 images under kill -9 (ROUNDS times;
# fio: Debian's fio is the writer), Debian's installer, the Debian image's login in all variants of
# the machine. Litmus runs the memory model's tests ROUNDS times each, ten million if it is not set, on
# as many CPUs as they need. Suites are programs' own tests (OpenSSL's, GMP's, MPFR's, Python's) and the
# C library's choice of string functions, under several CPU models. Machines are checked against the
# specification in every configuration, and so is a guest (guest).
set -uo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
armvm=$1
what=${2:-all}
cache=${ARMVM_CACHE:-$top/.cache}
guest=$cache/guest
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export XDG_CACHE_HOME=$work/cache # of the code store
trouble='WARNING:|BUG:|Oops|soft lockup|rcu.*stall|Kernel panic|Call trace:|hung task'
failed=0

"$top/tools/guest/fetch.sh" || exit 1

quick() { # OPTIONS...
    "$armvm" run --kernel "$guest/vmlinuz" --initrd "$guest/initrd.gz" --timeout 240 \
        --append "console=ttyAMA0 armvm.quick" "$@" >"$work/log" 2>&1 </dev/null &&
        grep -q 'user space is up' "$work/log" && ! grep -E "$trouble" "$work/log"
}

check() { # NAME OPTIONS...
    local name=$1
    shift
    if quick "$@"; then
        echo "ok - $name"
    else
        echo "not ok - $name"
        tail -n 20 "$work/log"
        cp "$work/log" "/tmp/armvm-failed-$$.log"
        failed=$((failed + 1))
    fi
}

if [ "$what" = all ] || [ "$what" = matrix ]; then
    for gic in 2 3; do
        for cpus in 1 2 4 8; do
            for memory in 256M 1G 4G 8G; do
                check "GICv$gic, $cpus CPUs, $memory" --gic $gic --cpus $cpus --memory $memory
            done
        done
    done
    check "GICv3, 16 CPUs" --cpus 16 --memory 1G
fi
if [ "$what" = all ] || [ "$what" = boots ]; then
    for cpus in 2 4; do
        before=$failed
        for i in $(seq "${BOOTS:-100}"); do
            quick --cpus $cpus --memory 512M || {
                echo "boot $i at $cpus CPUs failed"
                tail -n 20 "$work/log"
                failed=$((failed + 1))
            }
        done
        echo "${BOOTS:-100} boots at $cpus CPUs: $((failed - before)) failed"
    done
fi
if [ "$what" = all ] || [ "$what" = logins ]; then
    "$top/tests/guest/long/logins.sh" "$armvm" || failed=$((failed + 1))
fi

# In a guest on a copy of the Debian image; prints its console, leaves it in $work/log.
job() { # NAME
    cp --sparse=always "$guest/rootfs.img" "$work/disk.img"
    "$armvm" run --kernel "$guest/vmlinuz" --initrd "$guest/initrd.gz" --cpus 4 --memory 2G \
        --disk "path=$work/disk.img" --timeout "${JOB_TIMEOUT:-3600}" --append "console=ttyAMA0 quiet \
armvm.disk armvm.run=/mnt/root/enter.sh armvm.job=$1 armvm.seconds=${SECONDS_EACH:-50}" \
        </dev/null 2>&1 | tr -d '\r' | tee "$work/log"
    grep -q 'armvm-guest: exit 0' "$work/log" && ! grep -qE "$trouble" "$work/log"
}

verdict() { # NAME STATUS
    if [ "$2" = 0 ]; then
        echo "ok - $1"
    else
        echo "not ok - $1"
        failed=$((failed + 1))
    fi
}

if [ "$what" = all ] || [ "$what" = jobs ]; then
    "$top/tools/guest/rootfs.sh" || exit 1
    for name in ${JOBS:-programs python stress}; do
        job "$name"
        verdict "$name" $?
    done
fi
if [ "$what" = all ] || [ "$what" = results ]; then
    "$top/tools/guest/rootfs.sh" && "$top/tools/guest/fetch-qemu.sh" || exit 1
    job results
    verdict "results: run" $?
    grep '^result ' "$work/log" >"$work/ours"
    cp --sparse=always "$guest/rootfs.img" "$work/disk.img"
    timeout 3600 "$cache/qemu/qemu-system-aarch64" -M virt,gic-version=3 -cpu max,pauth-impdef=on -smp 2 -m 2G \
        -nographic -nic none -no-reboot -kernel "$guest/vmlinuz" -initrd "$guest/initrd.gz" \
        -drive "if=none,id=d,format=raw,file=$work/disk.img" -device virtio-blk-device,drive=d \
        -append "console=ttyAMA0 quiet armvm.disk armvm.run=/mnt/root/enter.sh armvm.job=results" \
        </dev/null 2>&1 | tr -d '\r' >"$work/qemu.log"
    grep '^result ' "$work/qemu.log" >"$work/theirs"
    [ -s "$work/ours" ] && diff "$work/theirs" "$work/ours"
    same=$?
    verdict "results: $(wc -l <"$work/ours") equal those under QEMU" $same
fi
if [ "$what" = all ] || [ "$what" = litmus ]; then
    "$top/tests/guest/bare/build.sh" "${CROSS_CC:-aarch64-linux-gnu-gcc}" "$top/tests/guest/bare" \
        "$work/litmus.img" litmus || exit 1
    "$armvm" run --kernel "$work/litmus.img" --cpus 4 --memory 128M --net none \
        --append "verbose rounds=${ROUNDS:-10000000}" </dev/null 2>&1 | tr -d '\r' | tee "$work/log"
    tail -n 1 "$work/log" | grep -q '^done$' && ! grep -q 'forbidden [1-9]' "$work/log"
    verdict litmus $?
fi
for script in suites vars qcow2 fio installer; do
    if [ "$what" = all ] || [ "$what" = $script ]; then
        "$top/tests/guest/long/$script.sh" "$armvm"
        verdict "$script" $?
    fi
done
if [ "$what" = all ] || [ "$what" = machines ]; then
    "$top/tests/guest/check_vm.sh" "$armvm" /dev/null all
    verdict "machines" $?
fi
if [ "$what" = all ] || [ "$what" = guest ]; then
    "$top/tools/guest/image.sh" "$armvm" && "$top/tests/guest/check_guest.sh" "$armvm" /dev/null all
    verdict "guest" $?
fi
exit $((failed > 0))
