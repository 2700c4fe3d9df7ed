#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds and runs fuzz targets: tests/fuzz/run.sh [-t SECONDS] [-b BUILD-DIRECTORY] [TARGET...]
# Needs clang with libFuzzer. Findings and the corpus stay in the build directory.
set -eu

source=$(cd "$(dirname "$0")/../.." && pwd)
build=$source/build-fuzz
seconds=60
while getopts t:b: option; do
    case $option in
    t) seconds=$OPTARG ;;
    b) build=$OPTARG ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
if [ $# -eq 0 ]; then
    set -- $(cd "$source/tests/fuzz" && ls fuzz_*.c | sed 's/fuzz_\(.*\)\.c/\1/')
fi

if [ ! -f "$build/build.ninja" ]; then
    clang=$(command -v clang || command -v clang-14)
    CC=$clang meson setup "$build" "$source" -Db_sanitize=address,undefined \
        -Db_lundef=false -Dc_args=-fsanitize=fuzzer-no-link
fi
for target; do
    ninja -C "$build" "tests/fuzz/fuzz_$target"
    mkdir -p "$build/corpus/$target"
    dict=$source/tests/fuzz/$target.dict
    [ -f "$dict" ] && dict="-dict=$dict" || dict=
    echo "fuzzing $target for $seconds s"
    (cd "$build" && UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
        "tests/fuzz/fuzz_$target" -max_total_time="$seconds" -timeout=10 -print_final_stats=1 \
        -rss_limit_mb=2048 $dict "corpus/$target")
done
