#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# UEFI variables under kill -9: ROUNDS boots (100) of a Linux guest that writes variables without
# end, killed at a random moment, of the firmware's start or of the writing; every tenth one resets
# itself instead and every tenth one powers off. Each next boot must reach Linux and find every
# variable whose writing had been reported as done, or a later one, whole.
#   vars.sh ARMVM        SEED=N repeats the same moments (as far as time can)
set -uo pipefail
top=$(cd "$(dirname "$0")/../../.." && pwd)
armvm=$1
rounds=${ROUNDS:-100}
seed=${SEED:-$RANDOM}
RANDOM=$seed
guest=${ARMVM_CACHE:-$top/.cache}/guest
work=$(mktemp -d)
child=
trap '[ -z "$child" ] || kill -9 "$child" 2>/dev/null; rm -rf "$work"' EXIT

if ! "$armvm" run --firmware auto --net none --dry-run >/dev/null 2>&1; then
    echo "vars: no UEFI firmware is installed (package qemu-efi-aarch64)"
    exit 1
fi
"$top/tools/guest/fetch.sh" || exit 1
mkdir -p "$work/tree/t"
cp "$guest/tree/lib/modules/$(cat "$guest/kernel.txt")/kernel/fs/efivarfs/efivarfs.ko" \
    "$top/tests/guest/long/vars-guest.sh" "$work/tree/t/" || exit 1
(cd "$work/tree" && find . | cpio --quiet -o -H newc | gzip) >"$work/more.gz"
cat "$guest/initrd.gz" "$work/more.gz" >"$work/initrd.gz"

start() { # WORDS-FOR-THE-KERNEL
    : >"$work/log"
    "$armvm" run --firmware auto --vars "$work/vars" --net none --memory 512M --timeout 120 \
        --kernel "$guest/vmlinuz" --initrd "$work/initrd.gz" \
        --append "console=ttyAMA0 quiet armvm.run=/t/vars-guest.sh $1" >"$work/log" 2>&1 </dev/null &
    child=$!
}

# Waits until the guest has reported N times what it read; false if armvm ends or time runs out.
wait_reads() {
    local tries=1200
    until [ "$(grep -c '^vars: read [0-9]*\.' "$work/log")" -ge "$1" ]; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] && kill -0 $child 2>/dev/null || return 1
        sleep 0.05
    done
}

end() { # kills the guest's machine, now
    kill -9 $child
    wait $child 2>/dev/null
    child=
}

moment() { # sleeps for 0 to MILLISECONDS
    local ms=$((RANDOM % $1))
    sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
}

# One round; sets what it was, returns false if the guest did not get there.
round() { # NUMBER
    case $(($1 % 10)) in
    3)
        what="reset, then killed"
        start "vars.writes=$((1 + RANDOM % 60)) vars.end=reset"
        wait_reads 3 && moment 500 && end
        ;;
    7)
        what="powered off"
        start "vars.writes=$((1 + RANDOM % 60)) vars.end=off"
        wait $child
        local status=$?
        child=
        [ $status = 0 ]
        ;;
    1 | 5)
        what="killed in the firmware or at Linux's start"
        start ""
        moment 1800
        end
        ;;
    *)
        what="killed while it wrote"
        start ""
        wait_reads 1 && moment 1500 && end
        ;;
    esac
}

last=0
reads=0
full=0
failed=0
began=$(date +%s)
for number in $(seq "$rounds"); do
    rm -rf "$work/before"
    mkdir "$work/before"
    cp --sparse=always "$work"/vars* "$work/before/" 2>/dev/null
    verdict=
    round "$number" || verdict="the guest did not come up, or did not end"
    # Every value read must be the last one written, or later (one that was done but not yet said).
    result=$(tr -d '\r' <"$work/log" | awk -v last="$last" '
        /^vars: (read|wrote) [0-9]*\.$/ {
            n = $3 + 0
            if ($2 == "read") { reads++; if (n < last) bad = bad " read " n " after " last " was written;" }
            if (n > last || $2 == "wrote") last = n
        }
        /^vars: broken/ { bad = bad " " $0 }
        END { print last, reads + 0, bad }')
    read -r last found bad <<<"$result"
    full=$((full + $(grep -c '^vars: full' "$work/log")))
    reads=$((reads + found))
    verdict=$verdict${verdict:+${bad:+, }}$bad
    if [ -n "$verdict" ]; then
        failed=$((failed + 1))
        saved=$(mktemp -d "${TMPDIR:-/tmp}/armvm-failed-vars.XXXXXX")
        cp --sparse=always "$work/log" "$work"/before/* "$saved/" 2>/dev/null
        echo "round $number ($what): $verdict (log, and variables before it: $saved)"
        [ -z "$child" ] || end
    fi
done
echo "vars: $rounds rounds, $reads boots read what was written, $last writes, store full $full times," \
    "$(($(date +%s) - began)) s, $failed failed (SEED=$seed)"
[ $failed = 0 ]
