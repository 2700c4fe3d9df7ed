#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# make bench: the same guests under armvm and under QEMU 10.0 (cortex-a72, and max with the cheap
# PAC), same devices and files, in alternation. Prints a table of medians, spread and ratios.
#   bench.sh ARMVM [--quick] [--by wall|cpu] [--only WORD,...] [--json FILE] [GROUP...]
# All groups if none is named; docs/bench.md says what is in them.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
runs=9
armvm=
groups=()
options=()
while [ $# -gt 0 ]; do
    case $1 in
    --quick) runs=3 ;;
    --by | --only | --json | --runs)
        [ $# -gt 1 ] || { echo "bench: $1 needs a value" >&2; exit 2; }
        options+=("$1" "$2")
        shift ;;
    -*) options+=("$1") ;;
    *) if [ -z "$armvm" ]; then armvm=$1; else groups+=("$1"); fi ;;
    esac
    shift
done
[ -n "$armvm" ] || { echo "bench: name the armvm to measure: bench.sh ARMVM [--quick] [GROUP...]" >&2; exit 2; }
wanted() { # GROUP...: is one of these to run?
    [ ${#groups[@]} -gt 0 ] || return 0
    local group
    for group; do case " ${groups[*]} " in *" $group "*) return 0 ;; esac; done
    return 1
}
"$top/tools/guest/fetch.sh"
"$top/tools/guest/fetch-qemu.sh"
if wanted firmware; then "$top/tools/guest/image.sh" "$armvm"; fi
if wanted disk programs crypto smp packages unseen; then "$top/tools/guest/rootfs.sh"; fi
exec python3 "$top/bench/bench.py" --runs "$runs" --armvm "$armvm" \
    --cache "${ARMVM_CACHE:-$top/.cache}" "${options[@]}" "${groups[@]}"
