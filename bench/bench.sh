#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# make bench: the same guests under armvm and under QEMU 10.0 (cortex-a72, and max with the cheap
# PAC), same devices and files, in alternation. Prints a table of medians, spread and ratios.
#   bench.sh [--quick] ARMVM [GROUP...]     groups: boot firmware disk network; all without
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
runs=9
if [ "${1:-}" = --quick ]; then
    runs=3
    shift
fi
armvm=$1
shift
"$top/tools/guest/fetch.sh"
"$top/tools/guest/fetch-qemu.sh"
case " ${*:-firmware disk} " in *" firmware "*) "$top/tools/guest/image.sh" "$armvm" ;; esac
case " ${*:-firmware disk} " in *" disk "*) "$top/tools/guest/rootfs.sh" ;; esac
exec python3 "$top/bench/bench.py" --runs "$runs" --armvm "$armvm" \
    --cache "${ARMVM_CACHE:-$top/.cache}" "$@"
