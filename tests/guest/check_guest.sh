#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# `armvm check guest`: Debian's image boots in two variations that between them have every GIC, bus,
# console and description; what stops early is said to stop where it does. With "all" every
# variation, and a copy of the image whose kernel has no PL011 fails in that column and no other.
#   check_guest.sh ARMVM [REPORT] [all]     REPORT receives TAP lines as well
set -uo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
armvm=$1
report=${2:-/dev/null}
what=${3:-quick}
image=${ARMVM_CACHE:-$top/.cache}/image/debian.img
failures=0
number=0
work=$(mktemp -d)
mkdir "$work/tmp"
trap 'rm -rf "$work"' EXIT
: >"$report"

say() {
    number=$((number + 1))
    echo "$1 $number - $2" | tee -a "$report"
}

if ! "$armvm" run --firmware auto --net none --dry-run >/dev/null 2>&1; then
    say ok "guests boot in every variation # SKIP no UEFI firmware (package qemu-efi-aarch64)"
    exit 0
fi

# expect NAME FAILING STOPPED OPTIONS...: the requirements in FAILING fail, and no other; STOPPED is
# the places in the matrix where boots fail, as "place=column". Nothing is left in TMPDIR.
expect() {
    local name=$1 failing=$2 stopped=$3 status=0 found places
    shift 3
    TMPDIR=$work/tmp timeout 3000 "$armvm" check guest --quiet --format json --log "$work/logs" "$@" \
        >"$work/json" || status=$?
    found=$(python3 -c 'import json, sys
results = json.load(open(sys.argv[1]))["results"]
print(" ".join(sorted({r["id"] for r in results if r["outcome"] in ("FAIL", "WARN")})))' "$work/json")
    places=$(python3 -c 'import json, sys
matrix = json.load(open(sys.argv[1]))["matrices"][0]
print(" ".join(sorted({c["note"].replace(" ", "-") + "=" + c["column"].replace(" ", "-")
                       for c in matrix["cells"] if c["outcome"] == "FAIL"})))' "$work/json")
    if [ "$found" = "$failing" ] && [ "$places" = "$stopped" ] && [ $status = $((${#failing} > 0)) ] &&
        [ -z "$(ls -A "$work/tmp")" ]; then
        say ok "$name"
        return
    fi
    failures=$((failures + 1))
    echo "--- $name: status $status, failing: '$found', expected: '$failing'; places: '$places'"
    tail -n 3 "$work"/logs/*
    say "not ok" "$name"
}

# Any UEFI boots the probe; it is no guest that asks for a login, but it prints.
probe() {
    rm -f "$work/probe.img"
    if "$armvm" check vm --write-image "$work/probe.img" 2>/dev/null; then
        expect "what was expected is found in every variation" "" "" --quick --jobs 2 \
            --console pl011 --tables dt --gic 3 --expect 'armvm probe, boot 1' "$work/probe.img"
    fi
    truncate -s 64M "$work/empty.img"
    expect "an image with nothing on it stops in the firmware" "G1 G2 G3 G4" "firmware=PL011" \
        --timeout 20 --gic 3 --virtio-bus pci --console pl011 --tables dt "$work/empty.img"
}

# How many processes have words that match.
named() { # PATTERN
    local file count=0 words
    for file in /proc/[0-9]*/cmdline; do
        words=()
        mapfile -d '' words 2>/dev/null <"$file" || continue
        [[ "${words[*]}" =~ $1 ]] && count=$((count + 1))
    done
    echo $count
}

# Ctrl-C ends all machines, and nothing is left: theirs are the processes that name a file there.
interrupted() {
    local status=0 pid good=ok
    TMPDIR=$work/tmp "$armvm" check guest --quiet --jobs 4 --expect never "$work/empty.img" >"$work/log" 2>&1 &
    pid=$!
    for _ in $(seq 100); do
        [ "$(named "$work/tmp/.*vars-[0-3]")" = 4 ] && break
        sleep 0.1
    done
    [ "$(named "$work/tmp/.*vars-[0-3]")" = 4 ] || good="not ok"
    kill -INT $pid
    wait $pid || status=$?
    [ $status = 130 ] && [ "$(named "$work/tmp/")" = 0 ] && [ -z "$(ls -A "$work/tmp")" ] || good="not ok"
    [ "$good" = ok ] || {
        failures=$((failures + 1))
        echo "--- status $status, left: $(ls -A "$work/tmp")"
        cat "$work/log"
    }
    say "$good" "an interrupted check ends its machines and leaves nothing"
}

# A kernel without the PL011's driver, on a copy of the image; its first console is tty0,
# because Debian's initial RAM disk, which has the virtio console's driver, does not run without any.
without_pl011() {
    cp --reflink=auto --sparse=always "$image" "$work/copy.img"
    cat >"$work/script" <<'SCRIPT'
login debian
run sudo sed -i '/^[[:space:]]*linux[[:space:]]/{s/ console=ttyAMA0//;s/ console=hvc0/ console=tty0&/;s/$/ initcall_blacklist=pl011_init/}' /boot/grub/grub.cfg
run sudo grep -q initcall_blacklist /boot/grub/grub.cfg
run sync
send sudo poweroff
end
SCRIPT
    if ! "$top/tools/guest/session.py" "$armvm" run "$work/copy.img" --timeout 300 \
        <"$work/script" >"$work/session.log" 2>&1; then
        tail -n 5 "$work/session.log"
        failures=$((failures + 1))
        say "not ok" "a kernel without PL011 can be made"
        return
    fi
    expect "a kernel without PL011 fails on that console and nowhere else" "G1 G4" "console=PL011" \
        --timeout 120 "$work/copy.img"
}

probe
interrupted
if [ ! -e "$image" ]; then
    say ok "Debian boots in every variation # SKIP no image (tools/guest/image.sh makes one)"
elif [ "$what" = quick ]; then
    expect "Debian boots with each GIC, bus, console and description" "" "" --quick --jobs 2 "$image"
else
    expect "Debian boots in every variation" "" "" "$image"
    without_pl011
fi
echo "$number checks of guests, $failures failed"
[ $failures = 0 ]
