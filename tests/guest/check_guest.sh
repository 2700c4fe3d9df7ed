#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# `armvm check guest`: Debian's image boots in two variations that between them have every GIC, bus,
# console and description; what stops early is said to stop where it does, and soon. With "all" every
# variation, and a copy of the image whose kernel has no PL011 fails in that column and no other.
#   check_guest.sh ARMVM [REPORT] [all]     REPORT receives TAP lines as well
set -uo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
armvm=$1
report=${2:-/dev/null}
what=${3:-quick}
cache=${ARMVM_CACHE:-$top/.cache}
image=$cache/image/debian.img
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

# expect NAME FAILING CELLS WITHIN OPTIONS...: the requirements in FAILING fail, and no other; CELLS is
# what the matrix shows, as "8 PASS, 8 console=PL011": how many boot, and how many stop where in which
# column; none took more than WITHIN seconds. Nothing is left in TMPDIR.
expect() {
    local name=$1 failing=$2 cells=$3 within=$4 status=0 found
    shift 4
    rm -rf "$work/logs"
    TMPDIR=$work/tmp timeout 9000 "$armvm" check guest --quiet --format json --log "$work/logs" "$@" \
        >"$work/json" || status=$?
    found=$(python3 - "$work/json" "$within" <<'SCRIPT'
import collections, json, sys
report = json.load(open(sys.argv[1]))
cells = [c for c in report["matrices"][0]["cells"] if c["outcome"] in ("PASS", "FAIL")]
if any(c["seconds"] > float(sys.argv[2]) for c in cells):
    print("too late:", end=" ")
print(" ".join(sorted({r["id"] for r in report["results"] if r["outcome"] in ("FAIL", "WARN")})), end=": ")
print(", ".join(f"{n} {what}" for what, n in sorted(collections.Counter(
    "PASS" if c["outcome"] == "PASS" else f"{c['note']}={c['column']}" for c in cells).items())))
SCRIPT
)
    if [ "$found" = "$failing: $cells" ] && [ $status = $((${#failing} > 0)) ] &&
        [ -z "$(ls -A "$work/tmp")" ]; then
        say ok "$name"
    else
        failures=$((failures + 1))
        echo "--- $name: status $status; '$found', expected: '$failing: $cells'"
        tail -n 3 "$work"/logs/*
        say "not ok" "$name"
    fi
    [ "$what" = quick ] || table
}

# For people: the matrix with its times.
table() {
    python3 - "$work/json" <<'SCRIPT'
import json, sys
matrix = json.load(open(sys.argv[1]))["matrices"][0]
for c in matrix["cells"]:
    if c["outcome"] in ("PASS", "FAIL"):
        print(f"    {c['row']}, {c['column']}: {c['note'] or 'booted'}, {c['seconds']:.1f} s")
SCRIPT
}

# Any UEFI boots the probe; it is no guest that asks for a login, but it prints.
probe() {
    rm -f "$work/probe.img"
    if "$armvm" check vm --write-image "$work/probe.img" 2>/dev/null; then
        expect "what was expected is found in every variation" "" "1 PASS" 900 --quick --jobs 2 \
            --console pl011 --tables dt --gic 3 --expect 'armvm probe, boot 1' "$work/probe.img"
    fi
    truncate -s 64M "$work/empty.img"
    expect "an image with nothing on it stops in the firmware, at once" "G1 G2 G3 G4" \
        "1 firmware=PL011" 300 --timeout 600 --gic 3 --virtio-bus pci --console pl011 --tables dt \
        "$work/empty.img"
}

# Linux by itself is an EFI application, too; without a root file system it panics.
panic() {
    local name="a kernel without a root file system stops there, at once"
    if [ ! -e "$cache/guest/vmlinuz" ] || ! python3 - "$top/tests/check" "$work" "$cache/guest/vmlinuz" <<'SCRIPT'
import pathlib, sys
sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
import images
work, kernel = map(pathlib.Path, sys.argv[2:])
esp, root = work / "esp.fat", work / "root.ext"
images.make_fat(esp, {"EFI/BOOT/BOOTAA64.EFI": kernel.read_bytes()}, size=96 * images.MIB)
images.make_ext(root, {"empty": b""})
images.make_disk(work / "panic.img", esp, root)
SCRIPT
    then
        say ok "$name # SKIP no kernel, or no tools to make an image with"
        return
    fi
    expect "$name" "G1 G2 G3 G4" "1 root file system=PL011" 300 --timeout 600 --gic 2 \
        --virtio-bus mmio --console pl011 --tables dt "$work/panic.img"
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

# A kernel without the PL011's driver, on a copy of the image.
without_pl011() {
    cp --reflink=auto --sparse=always "$image" "$work/copy.img"
    cat >"$work/script" <<'SCRIPT'
login debian
run sudo sed -i '/^[[:space:]]*linux[[:space:]]/s/$/ initcall_blacklist=pl011_init/' /boot/grub/grub.cfg
run sudo grep -q initcall_blacklist /boot/grub/grub.cfg
run sync
send sudo poweroff
end
SCRIPT
    if ! "$top/tools/guest/session.py" "$armvm" run "$work/copy.img" --timeout 900 \
        <"$work/script" >"$work/session.log" 2>&1; then
        tail -n 5 "$work/session.log"
        failures=$((failures + 1))
        say "not ok" "a kernel without PL011 can be made"
        return
    fi
    expect "a kernel without PL011 fails on that console and nowhere else" "G1 G4" \
        "8 PASS, 8 console=PL011" 900 --jobs 2 "$work/copy.img"
}

probe
panic
interrupted
if [ ! -e "$image" ]; then
    say ok "Debian boots in every variation # SKIP no image (tools/guest/image.sh makes one)"
elif [ "$what" = quick ]; then
    expect "Debian boots with each GIC, bus, console and description" "" "2 PASS" 900 \
        --quick --jobs 2 "$image"
else
    expect "Debian boots in every variation" "" "16 PASS" 900 "$image"
    without_pl011
fi
echo "$number checks of guests, $failures failed"
[ $failures = 0 ]
