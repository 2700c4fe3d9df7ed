#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs a bare guest and compares what it prints: run.sh ARMVM IMAGE EXPECTED OPTION...
set -u
armvm=$1
image=$2
expected=$3
shift 3
output=$(mktemp)
trap 'rm -f "$output" "$output.text"' EXIT
timeout -s KILL 60 "$armvm" run --kernel "$image" --memory 128M --net none --timeout 50 "$@" \
    </dev/null >"$output"
status=$?
tr -d '\r' <"$output" >"$output.text"
diff -a -u "$expected" "$output.text" || exit 1
[ $status = 0 ] || { echo "the guest ended with status $status"; exit 1; }
