#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The Debian image of make demo, the benchmarks and the long tests: built by `armvm image create` the
# first time, then kept. Leaves .cache/image/debian.img: user debian, no password at the console.
#   image.sh ARMVM
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
armvm=$1
cache=${ARMVM_CACHE:-$top/.cache}
image=$cache/image/debian.img

[ ! -f "$image" ] || exit 0
mkdir -p "$cache/image"
ARMVM_CACHE=$cache "$armvm" image create --output "$image" --user debian
