#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The Debian image of make demo, the benchmarks and the long tests: built by `armvm image create` the
# first time and when what makes it has changed, then kept. Leaves .cache/image/debian.img: user debian,
# no password at the console.
#   image.sh ARMVM
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
armvm=$1
cache=${ARMVM_CACHE:-$top/.cache}
image=$cache/image/debian.img

made=$(cat "$top"/share/image/* | sha256sum | cut -d ' ' -f 1)
if [ -f "$image" ] && [ "$(cat "$image.made" 2>/dev/null)" = "$made" ]; then
    exit 0
fi
mkdir -p "$cache/image"
rm -f "$image" "$image.made"
ARMVM_CACHE=$cache "$armvm" image create --output "$image" --user debian
echo "$made" >"$image.made"
